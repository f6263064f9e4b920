package cpu

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/host"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/rcu"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/rig"
	"tailpoke/stress/report"
)

// Config says what is run.
type Config struct {
	live.Config
	Subject  protocol.Subject // protocol, method, grace flavour, and number of threads
	Layout   *jit.Layout
	Entry    *jit.Program            // what the threads execute
	Programs []*jit.Program          // what the keys are given
	Maps     map[string]int          // number of keys of each prog array that the programs name
	Data     map[string]host.MapSpec // the other maps that the programs name
	Ctx      []byte
	Packet   []byte // what Ctx refers to, if it is a struct __sk_buff; nil: it is not
	// Any says that programs may call helpers of which no more than the signature is known, and Objects
	// that the words of Ctx are addresses of kernel objects.
	Any, Objects bool
	NoBoost      bool // runs as on a machine that grants no real-time priority
}

// Result is what a run saw.
type Result struct {
	live.Result
	report.PatcherCounts
}

// Verdict is what it comes to.
func (r *Result) Verdict() report.Verdict {
	v := r.Result.Verdict()
	v.PatcherCounts = &r.PatcherCounts
	return v
}

// arenaSize leaves room for every program at many distances from the entry.
const arenaSize = 16 << 20

// yieldEvery is how often threads yield where readers cannot be boosted.
const yieldEvery = 100

// run is one run of the engine. The mutator's goroutine owns all that is not atomic or
// guarded by a mutex.
type run struct {
	Config
	*rig.Rig
	driver   *live.Driver
	image    *patcher.Image   // of the entry
	images   []*patcher.Image // of Programs
	compiled map[*patcher.Image]*jit.Image

	mu     sync.Mutex
	loaded []*patcher.Program // the last keepLoaded that were loaded, oldest first

	entry    *patcher.Program
	keys     []place
	since    int                // operations that were begun
	operates place              // the key that an operation is in progress on
	current  []*patcher.Program // by program: the copy that can be installed
	pinned   []*patcher.Program // by program: a copy that stays loaded, see pin
	copies   []*patcher.Program // of the entry, loaded by a script

	traps    exec.TrapCounts // before the run
	pokes    atomic.Uint64
	waits    atomic.Uint64
	micro    atomic.Uint64
	findings []live.Finding // of the mutator
	pace     atomic.Uint32  // of the operation in progress: a pace
	boosted  bool
	trace    *live.Recorder // nil: the trace is not taken
	stepped  time.Time      // when the last step of the operation in progress was over
	near     near
}

// Run executes the entry on Subject.Shape.Threads threads and changes the keys until
// the time is over, ctx is done, or, with StopAtFirst, there is a finding. The error
// says that the machine or the subject does not allow the run; a finding is no error. A result beside an
// error is what was seen before it.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := c.Check(len(c.Programs)); err != nil {
		return nil, err
	}
	r := &run{Config: c}
	r.Config.Enough = func() bool { return r.counts().enough() }
	r.driver = live.NewDriver(&r.Config.Config, len(c.Programs), 1, r)
	if !c.NoBoost {
		if restore, err := rcu.Elevate(); err == nil {
			defer restore()
			r.boosted = true
		}
	}
	defer live.Procs(c.procs())()
	if err := r.open(r.observe); err != nil {
		return nil, err
	}
	if err := r.load(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	err := r.execute(ctx)
	trace := r.trace.Close()
	res := r.result()
	res.Trace = trace
	return res, errors.Join(err, r.Close())
}

// procs is how many threads are to run Go code at once: all, if the programs call helpers. A reader
// that waits for one of two processors of the Go runtime stays in its section all the while, and no
// priority that is lent to it helps.
func (c *Config) procs() int {
	calls := len(c.Entry.Calls)
	for _, p := range c.Programs {
		calls += len(p.Calls)
	}
	if calls == 0 {
		return 0
	}
	return runtime.GOMAXPROCS(0) + c.Subject.Shape.Threads
}

// open makes the rig, which calls observe, unless that is nil, after every step of an operation.
func (r *run) open(observe func(protocol.Event)) error {
	threads := r.Subject.Shape.Threads
	pc := exec.PoolConfig{Threads: threads, Ctx: r.Ctx}
	pc.RestoreLo, pc.RestoreHi = r.Oracle.Written()
	for _, o := range r.Oracle.Outcomes() {
		if o.Any {
			pc.Others = true
			continue
		}
		pc.Outcomes = append(pc.Outcomes, o.Value)
	}
	if !r.boosted {
		pc.YieldEvery = yieldEvery
	}
	var err error
	r.Rig, err = rig.Open(rig.Config{
		Subject: r.Subject, Layout: r.Layout, Seed: r.Seed, Arena: arenaSize, Arrays: r.Config.Maps,
		Pool: pc, Boost: r.boosted,
		Host: &host.Config{Maps: r.Data, CPUs: threads, Packet: r.Packet, Seed: r.Seed, Any: r.Any}, Objects: r.Objects,
		Observe: observe, BetweenMicro: r.betweenMicro,
	})
	return err
}

// load brings the entry and the programs in.
func (r *run) load() error {
	r.compiled = map[*patcher.Image]*jit.Image{}
	for _, k := range r.Keys {
		a, ok := r.Arrays[k.Map]
		if !ok || k.Index >= a.Keys() {
			return fmt.Errorf("no key %d in map %q", k.Index, k.Map)
		}
		r.keys = append(r.keys, place{a, k.Index})
	}
	for _, p := range r.Programs {
		img, err := r.Compile(p)
		if err != nil {
			return err
		}
		r.images = append(r.images, rig.Image(img))
		r.compiled[r.images[len(r.images)-1]] = img
	}
	r.current = make([]*patcher.Program, len(r.Programs))
	if err := r.pin(); err != nil {
		return err
	}
	img, err := r.Compile(r.Entry)
	if err != nil {
		return err
	}
	r.image = rig.Image(img)
	r.compiled[r.image] = img
	if r.entry, err = r.loadEntry(); err != nil {
		return err
	}
	r.Pool.SetEntries([]uint64{r.Patcher.Addr(r.entry)})
	sites := make([]int, len(r.keys))
	for _, s := range r.entry.Slots() {
		if i := r.keyOf(place{r.Arrays[s.Array], s.Key}); i < len(r.keys) {
			sites[i]++
		}
	}
	r.trace = live.NewRecorder(r.Trace, sites)
	return nil
}

// keyOf returns the index of a key among those that change; of any other one that none of them has.
func (r *run) keyOf(p place) int {
	if i := slices.Index(r.keys, p); i >= 0 {
		return i
	}
	return len(r.keys) + p.index
}

// pin loads a copy of each program that stays loaded until the next pin: which bytes of
// two jumps differ, and where a torn one leads, depends on where the programs lie.
func (r *run) pin() error {
	for _, p := range r.pinned {
		r.Patcher.Release(p)
	}
	r.pinned = r.pinned[:0]
	for i, img := range r.images {
		p, err := r.Patcher.Load(r.Programs[i].Name, img, patcher.PlaceAny)
		if err != nil {
			return err
		}
		p.Hold()
		r.remember(p)
		r.pinned = append(r.pinned, p)
	}
	return nil
}

// execute runs threads, mutator and loader.
func (r *run) execute(ctx context.Context) error {
	r.traps = exec.Traps()
	// The first phase: every key is empty.
	empty, err := r.driver.Idle()
	if err != nil {
		return err
	}
	r.Pool.SetPhase(1, empty)
	r.Pool.SetPhase(0, empty)
	if err := r.Pool.Start(); err != nil {
		return err
	}
	r.driver.Start()
	r.trace.Start()
	ctx, end := r.driver.Limit(ctx)
	defer end()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	helpers := live.NewHelpers(cancel)
	if len(r.Script) == 0 {
		helpers.Start(r.loader)
	}
	if r.Progress != nil || r.Sofar != nil {
		helpers.Start(r.report)
	}
	err = r.driver.Run(ctx)
	err = errors.Join(err, helpers.Stop())
	r.Pool.Stop()
	return r.finding(err)
}

func (r *run) report(done <-chan struct{}) error {
	for !live.Pause(done, time.Second) {
		res := r.counts()
		if res.Bad > 0 {
			for _, a := range r.Pool.Anomalies() {
				res.Findings = append(res.Findings, r.classify(a))
			}
		}
		r.Tell(&res.Result, res.Verdict, func(now *report.Progress) { now.Traps = res.Traps })
	}
	return nil
}

// finding turns errors that are violations into findings.
func (r *run) finding(err error) error {
	var mismatch *text.MismatchError
	var stall *rcu.StallError
	var life *patcher.LifeError
	f := live.Finding{Thread: live.None, Count: 1}
	switch {
	case errors.As(err, &mismatch):
		f.Class = live.ClassBytes
		r.nameLine(&f, mismatch.Off)
	case errors.As(err, &stall):
		f.Class, f.Thread = live.ClassEndless, stall.Reader
	case errors.As(err, &life):
		f.Class = live.ClassOf(life.Property)
	default:
		return err
	}
	f.Text, _, _ = strings.Cut(err.Error(), "\n") // the loader may have waited for the same reader
	r.findings = append(r.findings, f)
	return nil
}
