//go:build linux && amd64

package patcher

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/rcu"
	"tailpoke/patcher/text"
)

// entries are what the threads execute: callers come and go.
type entries struct {
	mu    sync.Mutex
	r     *rig
	addrs []uint64
}

func (e *entries) add(prog *Program) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.addrs = append(e.addrs, e.r.p.Addr(prog))
	e.r.pool.SetEntries(e.addrs)
}

func (e *entries) drop(prog *Program) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var keep []uint64
	for _, a := range e.addrs {
		if a != e.r.p.Addr(prog) {
			keep = append(keep, a)
		}
	}
	e.addrs = keep
	e.r.pool.SetEntries(keep)
}

// TestHammer loads and unloads callers in four goroutines while a fifth changes the keys
// that they follow and threads execute them. This is the kernel's tailcall_poke test,
// with programs that are freed as soon as they may be.
func TestHammer(t *testing.T) {
	for _, p := range protocol.Protocols() {
		t.Run(p.Name, func(t *testing.T) { hammer(t, &p) })
	}
}

const (
	hammerLoaders = 4
	hammerKeys    = 2
)

func hammer(t *testing.T, p *protocol.Protocol) {
	wantLoads, wantCalls := int64(400), int64(2000)
	if testing.Short() {
		wantLoads, wantCalls = 60, 300
	}
	restore, err := rcu.Elevate()
	boost := err == nil
	if boost {
		defer restore()
	}
	r := newRig(t, setting{protocol: p, threads: 4, silent: true, boost: boost, arena: 4 << 20})
	main := r.load(t, "caller", r.caller(t, 0, 1, 0))
	e := &entries{r: r}
	e.add(main)
	if err := r.pool.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	var loads, calls atomic.Int64
	for i := range hammerLoaders {
		img := r.caller(t, []int{1, 0, 1, 0}[i:]...)
		wg.Go(func() {
			defer elevated(t, boost)()
			if err := hammerLoads(r, e, img, &loads, done); err != nil {
				t.Error(err)
			}
		})
	}
	images := []*Image{r.program(t, 0), r.program(t, 1), r.program(t, 2)}
	wg.Go(func() {
		defer elevated(t, boost)()
		if err := hammerKey(r, images, &calls, done); err != nil {
			t.Error(err)
		}
	})
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && !t.Failed(); time.Sleep(time.Millisecond) {
		if loads.Load() >= wantLoads && calls.Load() >= wantCalls {
			break
		}
	}
	close(done)
	wg.Wait()
	if err := r.p.Synchronize(); err != nil {
		t.Error(err)
	}
	c := r.stop(t)
	checkQuiet(t, r, main)
	t.Logf("%d executions, %d loads, %d operations", c.Executions, loads.Load(), calls.Load())
	if c.Executions == 0 || loads.Load() < wantLoads || calls.Load() < wantCalls {
		t.Error("too little happened in a minute")
	}
}

func hammerLoads(r *rig, e *entries, img *Image, loads *atomic.Int64, done <-chan struct{}) error {
	for n := 0; ; n++ {
		prog, err := r.p.Load("copy", img, Placement(2*(n%2))) // any, straddling
		if err != nil {
			return err
		}
		e.add(prog)
		exec.Sleep(time.Millisecond)
		e.drop(prog)
		if err := r.p.Unload(prog); err != nil {
			return err
		}
		loads.Add(1)
		select {
		case <-done:
			return nil
		default:
		}
	}
}

func hammerKey(r *rig, images []*Image, calls *atomic.Int64, done <-chan struct{}) (err error) {
	rng := rand.New(rand.NewPCG(7, 7))
	for n := 0; ; n++ {
		select {
		case <-done:
			return nil
		default:
		}
		r.p.Reap()
		if n%64 == 0 { // or a reader that is descheduled inside fills the arena
			if err := r.p.Synchronize(); err != nil {
				return err
			}
		}
		key := rng.IntN(hammerKeys)
		if rng.IntN(3) == 0 {
			_, err = r.a.Delete(key)
		} else {
			var prog *Program
			if prog, err = r.p.Load("p", images[rng.IntN(len(images))], PlaceAny); err == nil {
				err = r.a.Update(key, prog)
			}
		}
		if err != nil {
			return err
		}
		calls.Add(1)
		exec.Sleep(20 * time.Microsecond) // elevated, it must not keep a CPU to itself
	}
}

// elevated elevates a goroutine of the hammer, if its domain boosts.
func elevated(t *testing.T, boost bool) (restore func()) {
	if !boost {
		return func() {}
	}
	restore, err := rcu.Elevate()
	if err != nil {
		t.Error(err)
		return func() {}
	}
	return restore
}

// checkQuiet wants nothing left but the caller and what the keys hold.
func checkQuiet(t *testing.T, r *rig, main *Program) {
	t.Helper()
	pagesOf := func(prog *Program) int { return (prog.size + pageSize - 1) / pageSize }
	want, wantPages := 1, pagesOf(main)
	for _, prog := range r.a.held {
		if prog != nil {
			want++
			wantPages += pagesOf(prog)
			if prog.Gone() || r.erased(prog) {
				t.Errorf("%s is held by a key, and gone", prog.Name)
			}
		}
	}
	structs, pages, tracked := r.resources()
	if structs != want || pages != wantPages || tracked != len(main.pokes) || len(r.p.retired) != 0 {
		t.Errorf("%d programs remain, and %d structs, %d pages, %d descriptors, %d retired are in use",
			want, structs, pages, tracked, len(r.p.retired))
	}
	for i, s := range main.Slots() {
		want := map[bool]string{true: "B", false: "C or D"}[r.a.held[s.Key] != nil]
		if got := r.states(main)[i : i+1]; (got == "B") != (want == "B") || got == "A" {
			t.Errorf("site %d is in state %s, want %s", i, got, want)
		}
	}
}

// TestTwoHolders: a program goes from key to key in two goroutines; it must not be freed
// while one of them holds it, and a key must not get it once it is gone.
func TestTwoHolders(t *testing.T) {
	r := newRig(t, setting{silent: true})
	second, err := r.p.NewArray("second", 1)
	if err != nil {
		t.Fatal(err)
	}
	img := r.program(t, 0)
	for range 300 {
		prog := r.load(t, "p", img)
		r.update(t, 0, prog)
		var wg sync.WaitGroup
		var taken, gone error
		wg.Go(func() { taken = second.Update(0, prog) })
		wg.Go(func() { _, gone = r.a.Delete(0) })
		wg.Wait()
		if gone != nil {
			t.Fatal(gone)
		}
		r.p.Reap()
		if taken == nil {
			if prog.Gone() || r.erased(prog) || second.held[0] != prog {
				t.Fatal("a key holds a program that is gone")
			}
			if ok, err := second.Delete(0); !ok || err != nil {
				t.Fatal(err)
			}
			r.p.Reap()
		}
		if !prog.Gone() || !r.erased(prog) {
			t.Fatal("nobody holds the program, and it is not gone")
		}
	}
}

// TestOutcomes executes a caller in each of its states, so that memory's states mean
// what they should.
func TestOutcomes(t *testing.T) {
	old, err := jit.LayoutByName("v5.10+oldnops")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range append(jit.Layouts(), old) {
		r := newRig(t, setting{threads: 2, layout: l})
		caller := r.load(t, "caller", r.caller(t, 0))
		r.start(t, caller)
		seen := func(outcome int) {
			t.Helper()
			before := r.pool.Counters().Outcomes[outcome]
			waitFor(t, func() bool { return r.pool.Counters().Outcomes[outcome] > before+100 })
		}
		seen(skipped)
		for i := range testPrograms {
			r.update(t, 0, r.held(t, i))
			seen(1 + i)
		}
		r.delete(t, 0)
		seen(skipped)
		if got := caller.Slots()[0].Insns[protocol.Target]; got != text.Insn(l.Nop()) {
			t.Errorf("%s: the target holds % x after a removal", l.Name, got)
		}
		c := r.stop(t)
		if n := c.Outcomes[gated]; n != 0 {
			t.Errorf("%s: %d executions of a program that was not there", l.Name, n)
		}
		r.close(t) // arenas are few
	}
}
