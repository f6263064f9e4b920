//go:build linux && amd64

package patcher

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
)

// TestRetiredWhileRead takes a program from its key while a thread is inside it: it
// must stay until the thread has left, and no longer.
func TestRetiredWhileRead(t *testing.T) {
	for _, remove := range []bool{false, true} {
		// A kernel's remove waits for the reader; the lazy one does not.
		g := newGate(t)
		r := newRig(t, setting{protocol: named(t, "lazy"), threads: 2})
		t.Cleanup(g.open) // before the rig closes, whatever happens
		caller := r.load(t, "caller", r.caller(t, 0))
		prog := r.load(t, "gate", g.image())
		r.update(t, 0, prog)
		r.start(t, caller)
		g.arrived(t)
		if remove {
			r.delete(t, 0)
		} else {
			r.update(t, 0, r.held(t, 1))
		}
		for range 10 {
			r.p.Reap()
		}
		if !prog.Gone() {
			t.Error("nobody holds the program, and it is not gone")
		}
		if string(r.textOf(prog)) != string(prog.Image.Code) {
			t.Error("the program was freed while a thread executed it")
		}
		g.open()
		waitFor(t, func() bool { r.p.Reap(); return r.erased(prog) })
		checkReleased(t, r, prog)
		if c := r.stop(t); c.Outcomes[gated] == 0 {
			t.Error("nobody returned from the program")
		}
	}
}

// TestRemoveWaits: as long as a thread is inside, the kernel's remove keeps the site in
// state D, and does not return.
func TestRemoveWaits(t *testing.T) {
	for _, name := range []string{"kernel", "batched", "double-grace"} {
		g := newGate(t)
		r := newRig(t, setting{protocol: named(t, name), threads: 2, silent: true})
		t.Cleanup(g.open)
		caller := r.load(t, "caller", r.caller(t, 0))
		r.update(t, 0, r.load(t, "gate", g.image()))
		r.start(t, caller)
		g.arrived(t)
		at := caller.Slots()[0].At
		jumps := func(s protocol.Slot) bool { return text.Insn(r.arena.Read(at[s], text.Size)) != text.Nop }
		var opened atomic.Bool
		var wg sync.WaitGroup
		wg.Go(func() {
			if ok, err := r.a.Delete(0); !ok || err != nil {
				t.Errorf("%s: %v, %v", name, ok, err)
			}
			if !opened.Load() {
				t.Errorf("%s: removed while a thread was inside", name)
			}
		})
		waitFor(t, func() bool { return jumps(protocol.Bypass) })
		time.Sleep(10 * time.Millisecond)
		if !jumps(protocol.Target) {
			t.Errorf("%s: the target was cleared while a thread was inside", name)
		}
		opened.Store(true)
		g.open()
		wg.Wait()
		if jumps(protocol.Target) {
			t.Errorf("%s: the target was not cleared", name)
		}
		r.stop(t)
	}
}

// checkReleased wants a freed program's struct free and its pages in quarantine.
func checkReleased(t *testing.T, r *rig, prog *Program) {
	t.Helper()
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	if r.p.structs[prog.desc] {
		t.Error("the struct of a freed program is not free")
	}
	if !r.p.space.used[prog.page/pageSize] {
		t.Error("the pages of a freed program are not in quarantine")
	}
	for _, f := range r.p.space.freed {
		if f.page == int(prog.page)/pageSize {
			return
		}
	}
	t.Error("a freed program has not given its pages back")
}

// TestSynchronizeWaitsAndFrees: afterwards nothing is retired any more.
func TestSynchronizeWaitsAndFrees(t *testing.T) {
	r := newRig(t, setting{})
	prog := r.load(t, "p0", r.program(t, 0))
	r.update(t, 0, prog)
	r.delete(t, 0)
	if r.erased(prog) {
		t.Error("retired, the program was freed without being asked")
	}
	if err := r.p.Synchronize(); err != nil {
		t.Fatal(err)
	}
	if !r.erased(prog) {
		t.Error("the program was not freed")
	}
	checkReleased(t, r, prog)
}

func TestFreeAtOnce(t *testing.T) {
	for _, name := range []string{"free-on-update", "free-on-remove", "lazy-free"} {
		r := newRig(t, setting{protocol: named(t, name)})
		r.load(t, "caller", r.caller(t, 0))
		// It follows the key that it is the program of, too.
		prog := r.load(t, "self", r.caller(t, 0, 1))
		r.update(t, 0, prog)
		tracked := len(r.a.pokers)
		if name == "free-on-update" {
			r.update(t, 0, r.held(t, 0))
		} else {
			r.delete(t, 0)
		}
		if !prog.Gone() || !r.erased(prog) {
			t.Errorf("%s: gone %v, erased %v", name, prog.Gone(), r.erased(prog))
		}
		if n := len(r.a.pokers); n != tracked-2 {
			t.Errorf("%s: %d descriptors tracked, then %d", name, tracked, n)
		}
		checkReleased(t, r, prog)
		if err := r.a.Update(0, r.held(t, 1)); err != nil { // a freed program's sites are not poked
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeldPrograms(t *testing.T) {
	r := newRig(t, setting{})
	prog := r.held(t, 0)
	r.update(t, 0, prog)
	r.delete(t, 0)
	if err := r.p.Synchronize(); err != nil {
		t.Fatal(err)
	}
	if prog.Gone() || r.erased(prog) {
		t.Error("a program that a user holds is gone")
	}
	r.update(t, 0, prog) // it can be installed again
	if err := r.p.Unload(prog); err == nil {
		t.Error("a held program was unloaded")
	}
	if r.erased(prog) || prog.Gone() {
		t.Error("a refused unload has consequences")
	}
}

func TestProgramInTwoKeys(t *testing.T) {
	r := newRig(t, setting{})
	prog := r.load(t, "p0", r.program(t, 0))
	r.update(t, 0, prog)
	r.update(t, 3, prog)
	r.delete(t, 0)
	r.p.Reap()
	if prog.Gone() || r.erased(prog) {
		t.Error("gone with one of two keys")
	}
	r.update(t, 3, r.held(t, 1))
	r.p.Reap()
	if !prog.Gone() || !r.erased(prog) {
		t.Errorf("with the last key: gone %v, erased %v", prog.Gone(), r.erased(prog))
	}
}

func TestGonePrograms(t *testing.T) {
	r := newRig(t, setting{})
	caller := r.load(t, "caller", r.caller(t, 0))
	prog, other := r.load(t, "p0", r.program(t, 0)), r.held(t, 1)
	r.update(t, 0, prog)
	r.delete(t, 0)
	for _, key := range []int{0, 1} { // an install, and an update
		r.update(t, 1, other)
		r.events = nil
		err := r.a.Update(key, prog)
		if !errors.Is(err, errGone) || !strings.Contains(err.Error(), "p0") {
			t.Errorf("error %v", err)
		}
		if len(r.events) != 0 || r.states(caller) != "C" {
			t.Errorf("events %v, state %s", r.events, r.states(caller))
		}
		if r.a.held[0] != nil || r.a.held[1] != other {
			t.Error("a refused update changed what the keys hold")
		}
	}
	if err := r.p.Unload(prog); err == nil {
		t.Error("a gone program was unloaded")
	}
	if err := r.p.Synchronize(); err != nil {
		t.Fatal(err)
	}
	if err := r.p.Unload(prog); err == nil {
		t.Error("a freed program was unloaded")
	}
}

// TestLastHolder lets the last holder go while somebody else takes the program: either
// it is gone, or it is taken.
func TestLastHolder(t *testing.T) {
	rounds := 20000
	if testing.Short() {
		rounds = 2000 // two threads must run at once in each
	}
	progs := make([]Program, rounds)
	taken, freed := make([]bool, rounds), make([]bool, rounds)
	var at [2]atomic.Int64
	// Both goroutines begin a round at the same time, or nothing overlaps.
	meet := func(me, round int) {
		at[me].Store(int64(round))
		for spins := 1; at[1-me].Load() < int64(round); spins++ {
			if spins%1000 == 0 {
				runtime.Gosched()
			}
		}
	}
	for i := range progs {
		progs[i].Hold()
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range progs {
			meet(0, i)
			freed[i] = progs[i].drop()
		}
	})
	wg.Go(func() {
		for i := range progs {
			meet(1, i)
			taken[i] = progs[i].take()
		}
	})
	wg.Wait()
	n := 0
	for i := range progs {
		if taken[i] == freed[i] || freed[i] != progs[i].Gone() {
			t.Fatalf("round %d: taken %v, freed %v, gone %v", i, taken[i], freed[i], progs[i].Gone())
		}
		if taken[i] {
			n++
		}
	}
	t.Logf("taken in %d of %d rounds", n, rounds)
}

func TestUnload(t *testing.T) {
	r := newRig(t, setting{})
	r.update(t, 0, r.held(t, 0))
	caller := r.load(t, "caller", r.caller(t, 0, 1))
	if n := len(r.a.pokers); n != 2 {
		t.Fatalf("%d descriptors", n)
	}
	if err := r.p.Unload(caller); err != nil {
		t.Fatal(err)
	}
	if len(r.a.pokers) != 0 || !r.erased(caller) || !caller.Gone() {
		t.Errorf("%d descriptors, erased %v, gone %v", len(r.a.pokers), r.erased(caller), caller.Gone())
	}
	checkReleased(t, r, caller)
	if err := r.p.Unload(caller); err == nil {
		t.Error("unloaded twice")
	}
	prog := r.load(t, "p1", r.program(t, 1))
	r.update(t, 1, prog)
	if err := r.p.Unload(prog); err == nil || r.erased(prog) {
		t.Errorf("a program that a key holds was unloaded: %v", err)
	}
}

// TestUnloadWaits: a caller goes when the last thread has left it.
func TestUnloadWaits(t *testing.T) {
	g := newGate(t)
	r := newRig(t, setting{threads: 2})
	t.Cleanup(g.open)
	prog, caller := r.load(t, "gate", g.image()), r.load(t, "caller", r.caller(t, 0))
	stay := r.load(t, "stay", r.caller(t, 1))
	r.update(t, 0, prog)
	r.start(t, caller)
	g.arrived(t)
	r.pool.SetEntries([]uint64{r.p.Addr(stay)})
	var wg sync.WaitGroup
	var opened atomic.Bool
	wg.Go(func() {
		if err := r.p.Unload(caller); err != nil {
			t.Error(err)
		}
		if !opened.Load() {
			t.Error("unloaded while a thread was inside")
		}
	})
	waitFor(t, caller.Gone)
	time.Sleep(10 * time.Millisecond) // for an unload that does not wait to be seen
	opened.Store(true)
	g.open()
	wg.Wait()
	r.stop(t)
}

func TestQuarantine(t *testing.T) {
	r := newRig(t, setting{arena: (quarantine + 2) * pageSize})
	img := &Image{Code: []byte{0xc3}, Starts: []Off{0}}
	seen := map[exec.Off]bool{}
	for i := range quarantine + 1 {
		prog := r.load(t, "p", img)
		if seen[prog.page] {
			t.Fatalf("load %d: page %#x is used again after %d others", i, prog.page, i)
		}
		seen[prog.page] = true
		if err := r.p.Unload(prog); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 * quarantine { // and then the oldest ones are
		if err := r.p.Unload(r.load(t, "p", img)); err != nil {
			t.Fatal(err)
		}
	}
}
