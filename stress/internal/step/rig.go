package step

import (
	"fmt"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/rig"
	"tailpoke/stress/internal/sim"
)

const (
	arenaSize = 4 << 20
	// threadLimit bounds the wait for a thread's next stop, and mutatorLimit that for the
	// mutator's, a grace period that must end included. A machine that is busy must meet both, since
	// what does not is said to differ: of 1,700 replays at a load of 20 on two CPUs one took 5 s.
	threadLimit  = 30 * time.Second
	mutatorLimit = 30 * time.Second
	// freeLimit is how long a thread that was let go may take.
	freeLimit = time.Second
)

// replay is a witness's configuration on real CPUs.
type replay struct {
	*rig.Rig
	c     sim.Config
	w     *witness.Witness
	kind  protocol.Site  // what is patched
	grace protocol.Grace // the domain's: that of c, but for tests
	limit time.Duration  // mutatorLimit, but for tests

	texts   []*loaded // by the witness's numbers of programs
	copies  [][]int   // for each program the texts that are copies of it
	sites   []site
	threads []*thread // by their numbers in the witness
	mutator *mutator
}

// loaded is a program at its place.
type loaded struct {
	*patcher.Program
	Image *jit.Image // as it was compiled
	name  string     // the witness's: a copy has a number
	at    uint64
	off   exec.Off
	sim   uint64 // where it lies in the witness
	freed bool
}

func newReplay(c sim.Config, w *witness.Witness) *replay {
	s := c.Subject
	nop := c.Layout.Nop()
	return &replay{c: c, w: w, kind: s.Protocol.Site().WithNop(nop[:]), grace: s.Grace, limit: mutatorLimit}
}

// build loads everything.
func (r *replay) build() error {
	r.mutator = newMutator(r.w, r.limit)
	sub := r.c.Subject
	sub.Method, sub.Grace = everyStore(sub.Method), r.grace
	var err error
	r.Rig, err = rig.Open(rig.Config{
		Subject: sub, Layout: r.c.Layout, Arena: arenaSize, Arrays: r.c.Maps,
		Pool:    exec.PoolConfig{Threads: sub.Shape.Threads, Ctx: r.c.Ctx},
		Boost:   true, // the waiter sleeps then, and does not spin
		Observe: r.mutator.observe, BetweenMicro: r.mutator.between,
	})
	if err != nil {
		return err
	}
	if err := r.load(); err != nil {
		return err
	}
	if err := r.fill(); err != nil {
		return err
	}
	return r.addThreads(sub.Shape.Threads)
}

// everyStore is the method with a sync after every store, so that the hook of package text is
// called after every step but the last.
func everyStore(m protocol.Method) protocol.Method {
	m = m.Clone()
	steps := m.Steps
	m.Steps = nil
	for i, s := range steps {
		m.Steps = append(m.Steps, s)
		if !s.Sync && i < len(steps)-1 {
			m.Steps = append(m.Steps, protocol.MicroStep{Sync: true})
		}
	}
	return m
}

// load brings in the images that the witness has, all copies before anything else happens.
func (r *replay) load() error {
	var loads []sim.Load
	if loads, r.copies = r.c.Loads(); len(loads) != len(r.w.Programs) {
		return differs("%d programs are loaded, the witness has %d", len(loads), len(r.w.Programs))
	}
	for n, l := range loads {
		if err := r.add(l.Program, l.Name, r.w.Memory.Programs[n].At); err != nil {
			return err
		}
	}
	r.texts[0].Hold()
	return r.addSites()
}

func (r *replay) add(p *jit.Program, name string, simulated uint64) error {
	img, err := r.Compile(p)
	if err != nil {
		return err
	}
	where := patcher.PlaceAny
	switch {
	case r.c.Straddle:
		where = patcher.PlaceStraddling
	case r.c.Subject.Method.Aligned():
		where = patcher.PlaceAligned
	}
	prog, err := r.Patcher.Load(name, rig.Image(img), where)
	if err != nil {
		return err
	}
	at := r.Patcher.Addr(prog)
	off, _ := r.Arena.OffOf(at)
	r.texts = append(r.texts, &loaded{
		Program: prog, Image: img, name: name, at: at, off: off, sim: simulated,
	})
	return nil
}

// fill gives the keys what they hold in the beginning.
func (r *replay) fill() error {
	for key, p := range r.c.Held {
		if p == witness.None {
			continue
		}
		if err := r.put(protocol.Call{Kind: protocol.Put, Key: key, Prog: p}); err != nil {
			return err
		}
	}
	return nil
}

// put carries a call out.
func (r *replay) put(call protocol.Call) error {
	k := r.c.Keys[call.Key]
	if call.Kind == protocol.Delete {
		_, err := r.Arrays[k.Map].Delete(k.Index)
		return err
	}
	for _, n := range r.copies[call.Prog] {
		if prog := r.texts[n].Program; !prog.Gone() {
			return r.Arrays[k.Map].Update(k.Index, prog)
		}
	}
	return fmt.Errorf("%v: no copy of the program is left", call)
}

// addThreads makes the threads. A flavour that forgets a reader forgets the first of its readers.
// That must be the thread with which the witness ends.
func (r *replay) addThreads(n int) error {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if p := r.c.Subject.Protocol; r.c.Subject.Grace.Kind == protocol.GraceForget {
		known := func(thread int) bool { return p.Awaits(protocol.OwnPeriod, thread%p.Kinds()) }
		first, k := 0, accused(r.w)
		for first < k && !known(first) {
			first++
		}
		if known(k) && first%p.Kinds() != k%p.Kinds() {
			return cannotForce("its flavour forgets thread %d, a reader of another kind than the last step's", first)
		}
		if known(k) {
			order[first], order[k] = order[k], order[first]
		}
	}
	for _, at := range order {
		s, err := r.Pool.Stepper(at, threadLimit)
		if err != nil {
			return err
		}
		r.threads = append(r.threads, &thread{Stepper: s})
	}
	return nil
}

// close lets everything go that is held, and gives the memory back.
func (r *replay) close() error {
	for _, t := range r.threads {
		t.Close()
	}
	if r.mutator != nil {
		r.mutator.stop()
	}
	if r.Rig == nil {
		return nil
	}
	return r.Rig.Close()
}

// textAt finds the program that an address lies in, nil if none.
func (r *replay) textAt(at uint64) *loaded {
	for _, t := range r.texts {
		if at >= t.at && at-t.at < uint64(len(t.Image.Code)) {
			return t
		}
	}
	return nil
}

// where names an address as the witness does.
func (r *replay) where(at uint64) string {
	if t := r.textAt(at); t != nil {
		return fmt.Sprintf("%s+%#x", t.name, at-t.at)
	}
	return fmt.Sprintf("%#x", at)
}

// landing is where a tail call enters, as an offset in the arena.
func (t *loaded) landing() exec.Off { return t.off + exec.Off(t.Image.AdjOff) }
