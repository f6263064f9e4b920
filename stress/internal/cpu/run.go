package cpu

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/jit/host"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/rcu"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/rig"
)

// arenaSize leaves room for every program at many distances from the entry.
const arenaSize = 16 << 20

// yieldEvery is how often threads yield where readers cannot be boosted.
const yieldEvery = 100

// run is one run of the engine. The mutator's goroutine owns all that is not atomic or
// behind a mutex.
type run struct {
	Config
	*rig.Rig
	rng    *rand.Rand
	image  *patcher.Image   // of the entry
	images []*patcher.Image // of Programs

	mu     sync.Mutex
	loaded []*patcher.Program // the last keepLoaded that were loaded, oldest first

	entry    *patcher.Program
	keys     []key
	contents [][]int            // of the keys, for the oracle
	current  []*patcher.Program // by program: the copy that can be installed
	pinned   []*patcher.Program // by program: a copy that stays loaded, see pin
	copies   []*patcher.Program // of the entry, loaded by a script

	start    time.Time
	traps    exec.TrapCounts // before the run
	first    atomic.Int64    // nanoseconds after start
	installs atomic.Uint64
	updates  atomic.Uint64
	removes  atomic.Uint64
	cycles   atomic.Uint64
	pokes    atomic.Uint64
	waits    atomic.Uint64
	loads    atomic.Uint64
	micro    atomic.Uint64
	findings []Finding     // of the mutator
	pace     atomic.Uint32 // of the operation in progress: a pace
	boosted  bool
	trace    *recorder // nil: nobody takes a trace
}

// Run executes the entry on Subject.Shape.Threads threads and changes the keys until
// the time is over, ctx is done, or, with StopAtFirst, there is a finding. The error
// says that the machine or the subject does not allow the run; a finding is no error.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := exec.Supported(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	r := &run{Config: c, rng: rand.New(rand.NewPCG(c.Seed, 1))}
	if !c.NoBoost {
		if restore, err := rcu.Elevate(); err == nil {
			defer restore()
			r.boosted = true
		}
	}
	defer c.enoughProcs()()
	if err := r.open(); err != nil {
		return nil, err
	}
	err := r.load()
	if err == nil {
		err = r.execute(ctx)
	}
	r.trace.close()
	var res *Result
	if err == nil {
		res = r.result()
		res.Trace = r.trace.result()
	}
	return res, errors.Join(err, r.Close())
}

func (r *run) open() error {
	threads := r.Subject.Shape.Threads
	pc := exec.PoolConfig{Threads: threads, Ctx: r.Ctx}
	pc.RestoreLo, pc.RestoreHi = r.Oracle.Written()
	for _, o := range r.Oracle.Outcomes() {
		pc.Outcomes = append(pc.Outcomes, o.Value)
	}
	if !r.boosted {
		pc.YieldEvery = yieldEvery
	}
	var err error
	r.Rig, err = rig.Open(rig.Config{
		Subject: r.Subject, Layout: r.Layout, Seed: r.Seed, Arena: arenaSize, Arrays: r.Config.Maps, Boost: r.boosted, Pool: pc,
		Host:    &host.Config{Maps: r.Data, CPUs: threads, Packet: r.Packet, Seed: r.Seed},
		Observe: r.observe, BetweenMicro: r.betweenMicro,
	})
	return err
}

// load brings the entry and the programs in.
func (r *run) load() error {
	for _, k := range r.Keys {
		a, ok := r.Arrays[k.Map]
		if !ok || k.Index >= a.Keys() {
			return fmt.Errorf("no key %d in map %q", k.Index, k.Map)
		}
		r.keys = append(r.keys, key{array: a, index: k.Index, holds: None})
	}
	for _, p := range r.Programs {
		img, err := r.Compile(p)
		if err != nil {
			return err
		}
		r.images = append(r.images, rig.Image(img))
	}
	r.contents = make([][]int, len(r.keys))
	r.current = make([]*patcher.Program, len(r.Programs))
	if err := r.pin(); err != nil {
		return err
	}
	img, err := r.Compile(r.Entry)
	if err != nil {
		return err
	}
	r.image = rig.Image(img)
	if r.entry, err = r.loadEntry(); err != nil {
		return err
	}
	r.Pool.SetEntries([]uint64{r.Patcher.Addr(r.entry)})
	r.record()
	return nil
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

func (r *run) loadEntry() (*patcher.Program, error) {
	where := patcher.PlaceStraddling
	if r.Subject.Method.Aligned() {
		where = patcher.PlaceAligned
	}
	r.trace.copies(0, 1)
	p, err := r.Patcher.Load(r.Entry.Name, r.image, where)
	if err == nil {
		r.trace.copies(1, 0)
		r.remember(p)
	}
	return p, err
}

// execute runs threads, mutator and loader.
func (r *run) execute(ctx context.Context) error {
	r.traps = exec.Traps()
	// The first phase: every key is empty.
	empty, err := r.legal(nil)
	if err != nil {
		return err
	}
	r.Pool.SetPhase(1, empty)
	r.Pool.SetPhase(0, empty)
	if err := r.Pool.Start(); err != nil {
		return err
	}
	r.start = time.Now()
	if r.Duration > 0 {
		var cancel func()
		ctx, cancel = context.WithDeadline(ctx, r.start.Add(r.Duration))
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := r.helpers(cancel)
	err = r.mutate(ctx)
	err = errors.Join(err, stop())
	r.Pool.Stop()
	r.noteFirst()
	return r.finding(err)
}

// helpers starts the loader, which ends the run when it cannot go on, and the reporter;
// stop ends them and waits.
func (r *run) helpers(cancel func()) (stop func() error) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	var loaderErr error
	if len(r.Script) == 0 {
		wg.Go(func() {
			if loaderErr = r.loader(done); loaderErr != nil {
				cancel()
			}
		})
	}
	if r.Progress != nil {
		wg.Go(func() { r.report(done) })
	}
	return func() error {
		close(done)
		wg.Wait()
		return loaderErr
	}
}

func (r *run) report(done <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			r.Progress(*r.counts())
		}
	}
}

// finding turns errors that are violations into findings.
func (r *run) finding(err error) error {
	var mismatch *text.MismatchError
	var stall *rcu.StallError
	switch {
	case errors.As(err, &mismatch):
		r.findings = append(r.findings, Finding{Class: ClassBytes, Thread: None, Text: err.Error()})
	case errors.As(err, &stall):
		r.findings = append(r.findings, Finding{Class: ClassEndless, Thread: stall.Reader, Text: err.Error()})
	default:
		return err
	}
	return nil
}

// event counts what the patcher does.
func (r *run) event(ev protocol.Event) {
	switch {
	case ev.Kind == protocol.Poked && ev.Changed:
		r.pokes.Add(1)
	case ev.Kind == protocol.Waited:
		r.waits.Add(1)
	case ev.Kind == protocol.Returned && ev.Op == protocol.Install:
		r.installs.Add(1)
	case ev.Kind == protocol.Returned && ev.Op == protocol.Update:
		r.updates.Add(1)
	case ev.Kind == protocol.Returned && ev.Op == protocol.Remove:
		r.removes.Add(1)
	}
}
