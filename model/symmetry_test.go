package model

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// permutations lists all states that differ from x in the names of threads and programs.
// It says what a permutation is once more, field by field and all at once.
func permutations(sys *system, x state, do func(state)) {
	programs := sys.shape.Programs
	if !sys.alike {
		programs = 0
	}
	orders(programs, func(to []int) {
		y := x
		if sys.alike {
			y = renamed(sys, x, to)
		}
		orders(sys.shape.Keys-sys.alikeKeys, func(keys []int) {
			y := rekeyed(sys, y, keys)
			orders(len(y[sys.threads:sys.words]), func(at []int) {
				z := y
				for i, j := range at {
					z[sys.threads+j] = y[sys.threads+i]
				}
				do(z)
			})
		})
	})
}

// rekeyed gives the i-th of the keys that are alike the number of the to[i]-th.
func rekeyed(sys *system, x state, to []int) state {
	y := x
	for i, j := range to {
		k, l := sys.alikeKeys+i, sys.alikeKeys+j
		y[0] = heldField.at(l).put(y[0], heldField.at(k).of(x[0]))
		if sys.apart {
			y[sys.extra] = pointerField.at(l).put(y[sys.extra], pointerField.at(k).of(x[sys.extra]))
		}
		for _, a := range sys.agents {
			if w := x[a.word]; !a.loads && opField.of(w) != 0 && int(keyField.of(w)) == k {
				y[a.word] = keyField.put(y[a.word], uint64(l))
			}
		}
		for t := sys.threads; t < sys.words; t++ {
			y[t] = mustField.at(l).put(y[t], mustField.at(k).of(x[t]))
			y[t] = freshField.at(l).put(y[t], freshField.at(k).of(x[t]))
		}
	}
	return y
}

// orders lists the permutations of n things.
func orders(n int, do func([]int)) {
	var grow func([]int)
	grow = func(got []int) {
		if len(got) == n {
			do(got)
		}
		for i := range n {
			if !slices.Contains(got, i) {
				grow(append(slices.Clone(got), i))
			}
		}
	}
	grow(nil)
}

// renamed gives program 1+i the name 1+to[i].
func renamed(sys *system, x state, to []int) state {
	y := x
	name := func(p uint64) uint64 {
		if p == 0 || p > uint64(len(to)) {
			return p
		}
		return 1 + uint64(to[p-1])
	}
	names := func(w int, f field) { y[w] = f.put(y[w], name(f.of(x[w]))) }
	bits := func(w int, f field) {
		y[w] = f.put(y[w], 0)
		for i, j := range to {
			y[w] |= f.put(0, f.of(x[w])>>i&1<<j)
		}
	}
	for i, a := range sys.agents {
		names(a.word, givenField)
		names(a.word, oldField)
		if look := lookField.of(x[a.word]); look > 1 && sys.current(&x, &sys.agents[i]).Slot == protocol.Target {
			y[a.word] = lookField.put(y[a.word], 1+name(look-1))
		}
	}
	for key := range sys.shape.Keys {
		names(0, heldField.at(key))
		if sys.apart {
			names(sys.extra, pointerField.at(key))
		}
	}
	for i := 0; sys.shape.Copies > 0 && i < sys.shape.Sites; i++ {
		names(sys.extra, readField.at(i))
	}
	for i, j := range to {
		y[0] = statusField.at(j).put(y[0], statusField.at(i).of(x[0]))
	}
	for i := range sys.sites {
		s := slotOf(x[1+i], protocol.Target)
		seen := pairSet(0)
		for h := range heads {
			for t := range tail(1 << tailBits) {
				if s.seen()>>pairOf(h, t)&1 != 0 {
					seen |= 1 << pairOf(h, tail(name(uint64(t))))
				}
			}
		}
		mem := pairOf(s.mem().head(), tail(name(uint64(s.mem().tail()))))
		y[1+i] = withSlot(x[1+i], protocol.Target, slot(name(uint64(s.expects())))<<expectShift|slot(mem)<<memShift|slot(seen))
	}
	for i := sys.threads; i < sys.words; i++ {
		names(i, progField)
		for k := range sys.shape.Keys {
			bits(i, freshField.at(k))
		}
		y[i] &^= (1<<maxPrograms - 1) << (retiredField >> 8)
		for p, q := range to {
			y[i] |= retiredField.at(p).of(x[i]) << (retiredField >> 8) << q
		}
	}
	return y
}

// allStates lists the states that an exploration found.
func allStates(e *explorer) []state {
	var out []state
	for i := range e.shards {
		for j := range e.shards[i].len() {
			var x state
			copy(x[:], e.shards[i].key(uint32(j)))
			out = append(out, x)
		}
	}
	return out
}

// TestSymmetryIsExact: the states without symmetry are exactly the permutations of those
// with it, and with one thread each of these stands for others.
func TestSymmetryIsExact(t *testing.T) {
	for _, c := range few(1, []struct {
		shape   protocol.Shape
		threads int
		mutex   protocol.Mutex
	}{
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1}, 1, protocol.MutexMap},
		{protocol.Shape{Sites: 1, Programs: 3, Keys: 2}, 1, protocol.MutexMap},
		{protocol.Shape{Sites: 1, Programs: 4, Keys: 1}, 1, protocol.MutexMap},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1}, 2, protocol.MutexMap},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1}, 3, protocol.MutexMap},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 2, Indirect: true, Same: true}, 1, protocol.MutexMap},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Copies: 1}, 1, protocol.MutexMap},
		{protocol.Shape{Sites: 2, Programs: 2, Keys: 2, Nested: true}, 1, protocol.MutexMap},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 3, Indirect: true}, 1, protocol.MutexMap},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 4, Indirect: true}, 2, protocol.MutexMap},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 3, Indirect: true, Deep: true}, 1, protocol.MutexMap},
	}) {
		for i, s := range append(corners(t), everySubject(t)...) {
			s.Shape, s.Method, s.Protocol.Mutex = c.shape, shortened(s.Method), c.mutex
			if i > 6 && c.shape.Programs+c.shape.Copies > 2 {
				break // these are large
			}
			if r := check(t, s, Options{}); r.Verdict != protocol.Proved {
				continue
			}
			e := explored(t, s, c.threads)
			all, whole := map[state]bool{}, allStates(e)
			for _, x := range whole {
				fresh := true
				permutations(e.sys, x, func(y state) {
					fresh = fresh && (!all[y] || y == x)
				})
				if !fresh && c.threads == 1 && e.sys.alikeKeys == c.shape.Keys {
					t.Fatalf("%s %+v: two states stand for the same", nameOf(s), c.shape)
				}
				permutations(e.sys, x, func(y state) { all[y] = true })
			}
			if n := check(t, s, Options{Threads: c.threads, NoSymmetry: true}).States; n != uint64(len(all)) {
				t.Errorf("%s %+v: %d states without symmetry, %d permutations of %d with it",
					nameOf(s), c.shape, n, len(all), len(whole))
			}
		}
	}
}

// TestSymmetryIsInvariant: whatever the names, a stored state stands for all that differ
// from it in them; of one thread it is the form of all.
func TestSymmetryIsInvariant(t *testing.T) {
	for _, c := range few(1, []struct {
		mutex   protocol.Mutex
		threads int
		keys    int
	}{{protocol.MutexMap, 1, 1}, {protocol.MutexNone, 1, 1}, {protocol.MutexMap, 2, 1}, {protocol.MutexKey, 1, 4}}) {
		s := mutators(protocol.DefaultSubject(), c.mutex)
		s.Method, s.Shape.Programs, s.Shape.Copies = protocol.Methods()[1], 4-c.threads, 2-c.threads
		s.Shape.Keys, s.Shape.Indirect = c.keys, true
		sys, err := newSystem(s, c.threads, true)
		if err != nil {
			t.Fatal(err)
		}
		sys.alike, sys.alikeKeys = true, sys.firstAlike()
		e := newExplorer(sys, faults, 1, 20_000)
		e.run()
		for _, x := range allStates(e) {
			permutations(sys, x, func(y state) {
				if y != x && !sys.standsFor(x[:sys.words], y) {
					t.Fatalf("%+v: %x does not stand for %x", c, x, y)
				}
				if sys.canonical(&y); c.threads == 1 && c.keys == 1 && y != x {
					t.Fatalf("%+v: %x is not the form of all that differ from it in names", c, x)
				}
			})
		}
	}
}

// sameWithout explores a subject with and without symmetry and wants one answer, reached
// by the same.
func sameWithout(t failer, s protocol.Subject, o Options) (with, without uint64) {
	t.Helper()
	got, err := Check(s, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	o.NoSymmetry = true
	want, err := Check(s, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if answerOf(got) != answerOf(want) || reached(got) != reached(want) || got.States > want.States {
		t.Fatalf("%s %+v: %v, %d states, reached %s; without symmetry %v, %d, %s\n%v%v",
			nameOf(s), s.Shape, answerOf(got), got.States, reached(got), answerOf(want), want.States, reached(want), s.Protocol, got.Witness)
	}
	return got.States, want.States
}

// reached says which of the things that are counted were met at all.
func reached(r *Result) string {
	out := ""
	for _, field := range []uint64{
		r.Reached.A, r.Reached.B, r.Reached.C, r.Reached.D, r.Reached.Between, r.Reached.Installs, r.Reached.Updates,
		r.Reached.Removes, r.Reached.Pokes, r.Reached.NothingToDo, r.Reached.Waits, r.Reached.WaitsSkipped,
		r.Reached.Blocked, r.Reached.Frees, r.Reached.Enters, r.Reached.Fetches, r.Reached.Traps, r.Reached.LateTraps,
		r.Reached.Reads, r.Reached.Loads, r.Reached.Unloads, r.Reached.Passed, r.Reached.Runs, r.Reached.Backs,
		r.Reached.Arrivals,
	} {
		out += fmt.Sprint(min(field, 1))
	}
	return out
}

// TestSymmetryZoo: every mutant, each in the shape that it needs, gets the same answer.
func TestSymmetryZoo(t *testing.T) {
	var list []protocol.Subject
	for _, m := range few(4, protocol.ModelZoo()) {
		list = append(list, needy(t, m.Name))
	}
	for _, s := range append(everySubject(t), list...) {
		if s.Shape.Copies+s.Shape.Mutators == 0 {
			s.Shape.Programs = 3
		}
		s.Method = shortened(s.Method)
		sameWithout(t, s, Options{Progress: true})
	}
}

// TestSymmetrySingleEdits: neither do the mechanical edits of the kernel's protocol.
func TestSymmetrySingleEdits(t *testing.T) {
	with, without := uint64(0), uint64(0)
	for _, e := range few(10, protocol.SingleEdits(protocol.DefaultSubject())) {
		s, err := e.Apply(protocol.DefaultSubject())
		if err != nil {
			t.Fatal(err)
		}
		s.Shape.Sites, s.Shape.Keys, s.Shape.Indirect = 1, 3, true
		a, b := sameWithout(t, s, Options{})
		with, without = with+a, without+b
	}
	t.Logf("%d states, %d without symmetry", with, without)
}

func TestSymmetryOfAnyProtocol(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawAny(t)
		s.Shape.Programs = rapid.IntRange(2, 3).Draw(t, "programs")
		if s.Shape.Programs == 2 {
			s.Shape.Keys = rapid.IntRange(1, 3).Draw(t, "more keys")
		}
		threads := 1
		if s.Shape.Programs == 2 && len(s.Method.Steps) < 5 {
			threads = rapid.IntRange(1, 2).Draw(t, "threads")
		}
		sameWithout(t, s, Options{Threads: threads})
	})
}

// TestSymmetricWitness: a witness is one of the system without symmetry: each of its steps
// is a move of that, which leads to what the step shows.
func TestSymmetricWitness(t *testing.T) {
	for _, m := range protocol.Zoo() {
		s := mutant(t, m.Name)
		if s.Shape.Programs = 3; m.Safe() {
			continue
		}
		s.Method = shortened(s.Method)
		for threads := 1; threads <= 2; threads++ {
			r := check(t, s, Options{Threads: threads})
			sys, err := newSystem(s, threads, false)
			if err != nil {
				t.Fatal(err)
			}
			at := []state{sys.initial()}
			for i, step := range r.Witness.Steps {
				if at = follow(sys, at, step, i == len(r.Witness.Steps)-1); len(at) == 0 {
					t.Fatalf("%s: step %d (%v) is none\n%v", m.Name, i+1, step.Action.Do, r.Witness)
				}
			}
		}
	}
}

// follow finds what a step of a witness may lead to.
func follow(sys *system, from []state, step witness.Step, last bool) []state {
	seen := map[state]bool{}
	var out []state
	for _, x := range from {
		g := expander{sys: sys, x: x}
		g.found = func(m move, broken fault) {
			fits := last == (broken != noFault) && sys.choice(&g.x, &g.y, m).Same(step.Choice) && cmp.Equal(sys.view(&g.y), step.View)
			if fits && !seen[g.y] {
				seen[g.y] = true
				out = append(out, g.y)
			}
		}
		g.expand()
	}
	return out
}

// TestReferencesHaveRoom: how many threads may run a program by the last key, and whether an operation
// replaces it, are told apart.
func TestReferencesHaveRoom(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Shape.Sites, s.Shape.Keys = maxKeys, maxKeys
	sys, err := newSystem(s, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	x := sys.initial()
	x[sys.agents[0].word] = oldField.put(x[sys.agents[0].word], 1)
	x[sys.threads] = freshField.at(maxKeys-1).put(x[sys.threads], programBit(2))
	if one, two := sys.references(&x, 1), sys.references(&x, 2); one == two {
		t.Errorf("both are %#x", one)
	}
}
