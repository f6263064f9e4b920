package kernel

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"

	"tailpoke/patcher/protocol"
)

// run is one run of the engine. The mutator's goroutine owns all that is not atomic or
// behind a mutex.
type run struct {
	Config
	*loaded
	rng     *rand.Rand
	keys    []key
	sited   []bool // by key: some caller has a site of it, or nobody knows
	values  []lowValue
	bits    map[uint32]uint64 // of outcomes, by what the kernel shows
	copies  []*ebpf.Program   // loaded by a script
	threads []*thread
	watcher *watcher   // nil: nobody watches
	oracle  sync.Mutex // Legal is asked by one at a time

	unwatched string // why

	start     time.Time
	first     atomic.Int64 // nanoseconds after start
	latencies latencies
	installs  atomic.Uint64
	updates   atomic.Uint64
	removes   atomic.Uint64
	cycles    atomic.Uint64
	loads     atomic.Uint64
	releases  atomic.Uint64
	frees     atomic.Uint64

	overlapped [protocol.OpKinds]atomic.Uint64 // operations beside which there were executions
	counted    [protocol.OpKinds]uint64        // executions in the phases of operations, up to the last one
}

// Run executes the entry on threads and changes the keys until the time is over, ctx is done, or,
// with StopAtFirst, there is a finding. The error says that the machine or the subject does not
// allow the run; a finding is no error. The run's threads have no more privileges than [Needs]
// lists, whatever the process has; they end with the run.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	r := &run{
		Config: c, rng: rand.New(rand.NewPCG(c.Seed, 2)), keys: make([]key, len(c.Keys)), latencies: newLatencies(),
		values: distinctValues(c.Outcomes), bits: map[uint32]uint64{},
	}
	for i := range r.keys {
		r.keys[i].holds = None
	}
	for _, v := range r.values {
		r.bits[v.low] = v.bits
	}
	var res *Result
	err := confined(func() error { // it is the mutator's thread
		prefer()
		var err error
		res, err = r.whole(ctx)
		return err
	})
	return res, err
}

// whole is the run from loading to letting go.
func (r *run) whole(ctx context.Context) (*Result, error) {
	var err error
	if r.loaded, err = open(&r.Config); err != nil {
		return nil, err
	}
	res, err := r.execute(ctx)
	for _, p := range r.copies {
		err = errors.Join(err, p.Close())
	}
	return res, errors.Join(err, r.close())
}

// execute runs threads, watcher, loader and mutator.
func (r *run) execute(ctx context.Context) (*Result, error) {
	empty, err := r.legal(None)
	if err != nil {
		return nil, err
	}
	if err := r.clock.begin(kindNone, empty); err != nil {
		return nil, err
	}
	defer enoughProcs(r.Config.Threads)()
	r.watch()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.start = time.Now()
	stop := r.helpers(cancel)
	r.awaitHelpers(ctx)
	if r.Duration > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, r.Duration)
		defer cancel()
	}
	err = r.mutate(ctx)
	err = errors.Join(err, stop(), r.dismiss(), r.empty())
	watched := r.watcher.close()
	if err != nil {
		return nil, err
	}
	res, err := r.counts()
	if err != nil {
		return nil, err
	}
	res.Watch, res.Unwatched, res.Latencies = watched, r.unwatched, r.latencies.sum()
	res.Uncheckable = r.uncheckable
	r.sumUp(&res)
	return &res, nil
}

// ownThreads is how many threads a run has beside those that execute.
const ownThreads = 8

// enoughProcs lets every thread run Go code at once. Between two calls of bpf(2) a thread waits for a
// processor of the Go runtime: with two of them for 16 threads, the watcher saw a quarter of what it
// saw with enough. restore puts the number back.
func enoughProcs(threads int) (restore func()) {
	before := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(max(before, threads+ownThreads))
	return func() { runtime.GOMAXPROCS(before) }
}

// sumUp adds what the watcher found.
func (r *run) sumUp(res *Result) {
	if res.Watch != nil {
		for _, f := range res.Watch.Findings {
			res.Bad += uint64(f.Count)
			res.Findings = append(res.Findings, Finding{Class: ClassBytes, Thread: None, Who: "watcher", Text: f.Text, Count: f.Count})
		}
	}
	res.Findings = merge(res.Findings)
	if len(res.Findings) > 0 {
		r.noteFirst(time.Now())
		res.FirstSeconds = time.Duration(r.first.Load()).Seconds()
	}
}

// watch makes the watcher of the callers' sites, where there can be one.
func (r *run) watch() {
	r.sited = make([]bool, len(r.keys))
	if r.compiler == nil {
		for k := range r.sited {
			r.sited[k] = true
		}
		r.unwatched = r.unknown
		return
	}
	images := make([]watchImage, len(r.callers))
	for i, c := range r.callers {
		keys := r.keysOf(c)
		for _, k := range keys {
			if k != None {
				r.sited[k] = true
			}
		}
		images[i] = watchImage{prog: c.Program, img: r.faulty(c), name: r.nameOf(i), keys: keys}
	}
	take := r.Trace
	if take == nil {
		take = func([]protocol.Item) {}
	}
	w, err := newWatcher(images, len(r.Keys), take)
	if err != nil {
		r.unwatched = err.Error()
		return
	}
	for _, p := range r.pinned {
		w.landing(p.landing)
	}
	r.watcher = w
}

// nameOf names a caller.
func (r *run) nameOf(i int) string {
	if r.callers[i].checks {
		return fmt.Sprintf("%s in checker %d", r.Entry, i)
	}
	return fmt.Sprintf("%s in caller %d", r.Entry, i)
}

// keysOf is the key of each of a caller's sites, among those that change, or None.
func (r *run) keysOf(c caller) []int {
	keys := make([]int, len(c.img.Sites))
	for i, s := range c.img.Sites {
		keys[i] = None
		for k, at := range r.Keys {
			if r.ids[at.Map] == s.Map && at.Index == int(s.Key) {
				keys[i] = k
			}
		}
	}
	return keys
}

// noteFirst notes when the first finding came in.
func (r *run) noteFirst(now time.Time) { r.first.CompareAndSwap(0, max(1, int64(now.Sub(r.start)))) }
