package kernel

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cilium/ebpf"

	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// run is one run of the engine. The mutator's goroutine owns all that is not atomic or
// guarded by a mutex.
type run struct {
	Config
	*loaded
	driver  *live.Driver
	sited   []bool // by key: some caller has a site of it, or it is not known
	fresh   []bool // by key: it alone holds that copy of its program
	bursts  bool   // a burst is in progress
	values  []lowValue
	bits    map[uint32]uint64 // of outcomes, by what the kernel shows
	copies  []*ebpf.Program   // loaded by a script
	threads []*thread
	watcher *watcher // nil: nothing is watched

	unwatched string // why
	windows   *report.Windows

	latencies latencies
	releases  atomic.Uint64
	frees     atomic.Uint64

	overlapped [protocol.OpKinds]atomic.Uint64 // operations beside which there were executions
	counted    [protocol.OpKinds]uint64        // executions in the phases of operations, so far
}

// Run executes the entry on threads and changes the keys until the time is over, ctx is done, or,
// with StopAtFirst, there is a finding. The error says that the machine or the subject does not
// allow the run; a finding is no error. A result beside an error is what was seen before it. The run's
// threads have no more privileges than [Needs] lists, whatever the process has; they end with the run.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	r := &run{
		Config: c, fresh: make([]bool, len(c.Keys)), latencies: newLatencies(),
		values: distinctValues(c.outcomes()), bits: map[uint32]uint64{},
	}
	r.Config.Enough = r.enough
	r.driver = live.NewDriver(&r.Config.Config, len(c.Programs), 2, r)
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
	var res *Result
	if err = r.seekPages(ctx, &r.Config); err == nil {
		r.windows = r.countWindows()
		res, err = r.execute(ctx)
	}
	for _, p := range r.copies {
		err = errors.Join(err, p.Close())
	}
	return res, errors.Join(err, r.close())
}

// execute runs threads, watcher, loader and mutator.
func (r *run) execute(ctx context.Context) (*Result, error) {
	empty, err := r.driver.Idle()
	if err != nil {
		return nil, err
	}
	if err := r.clock.begin(kindNone, empty); err != nil {
		return nil, err
	}
	if err := r.startExecuting(&r.Config); err != nil {
		return nil, err
	}
	defer live.Procs(r.Config.Threads + ownThreads)()
	r.watch()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.driver.Start()
	helpers := r.helpers(ctx, cancel)
	r.awaitHelpers(ctx)
	ctx, end := r.driver.Limit(ctx)
	defer end()
	err = r.driver.Run(ctx)
	err = errors.Join(err, helpers.Stop(), r.dismiss(), r.empty())
	watched := r.watcher.close()
	res, bad := r.counts()
	res.Latencies = r.latencies.sum()
	r.addWatch(&res, watched)
	r.driver.Conclude(&res.Result)
	return &res, errors.Join(err, bad)
}

// ownThreads is how many threads a run has beside those that execute. All may run Go code at once:
// between two calls of bpf(2) a thread waits for a processor of the Go runtime, and with two of
// them for 16 threads, the watcher saw a quarter of what it saw with enough.
const ownThreads = 8

// addWatch adds what the watcher saw, if there was one. Every kernel has the same protocol and the
// same poke method.
func (r *run) addWatch(res *Result, w *Watch) {
	if w == nil {
		return
	}
	for _, f := range w.Findings {
		res.Bad += uint64(f.Count)
		res.Findings = append(res.Findings, live.Finding{
			Class: live.ClassBytes, Thread: live.None, Who: "watcher", Text: f.Text, Count: f.Count, Source: f.Source,
		})
	}
	s := protocol.DefaultSubject()
	res.Watch = &w.Watch
	res.Phases, res.Foreign = w.Coverage(s.Protocol, s.Method)
	if r.Trace != nil {
		res.Trace = &report.Trace{Events: w.events}
	}
}

// watch makes the watcher of the callers' sites, where there can be one.
func (r *run) watch() {
	r.sited = make([]bool, len(r.Keys))
	if r.unknown != "" {
		for k := range r.sited {
			r.sited[k] = true
		}
		r.unwatched = r.unknown
		return
	}
	images := make([]watchImage, len(r.callers))
	for i, c := range r.callers {
		keys := r.keysOf(c, r.Keys)
		for _, k := range keys {
			if k != live.None {
				r.sited[k] = true
			}
		}
		images[i] = watchImage{prog: c.Program, img: r.faulty(c), name: r.nameOf(i), keys: keys, sources: r.sourcesOf(keys)}
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

// sourcesOf are the source lines of an image's sites, by their keys. Where the kernel has left out
// one of a key, nobody knows which.
func (c *Config) sourcesOf(keys []int) []source.Line {
	out, of := make([]source.Line, len(keys)), map[int][]int{}
	for i, k := range keys {
		of[k] = append(of[k], i)
	}
	for k, lines := range c.Lines {
		if len(lines) == len(of[k]) {
			for n, i := range of[k] {
				out[i] = lines[n]
			}
		}
	}
	return out
}

// nameOf names a caller.
func (r *run) nameOf(i int) string {
	if r.callers[i].checks {
		return fmt.Sprintf("%s in checker %d", r.Entry, i)
	}
	return fmt.Sprintf("%s in caller %d", r.Entry, i)
}
