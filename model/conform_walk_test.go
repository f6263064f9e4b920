package model

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
)

// walk makes random moves of the whole model, threads and all, and records a trace of
// them: every event of the mutator, and now and then what memory holds.
func walk(s protocol.Subject, moves int, rng *rand.Rand, observe bool) (protocol.Trace, error) {
	sys, err := newSystem(s, max(1, s.Shape.Threads), false)
	if err != nil {
		return protocol.Trace{}, err
	}
	var t protocol.Trace
	x := sys.initial()
	for range moves {
		var all []move
		var to []state
		e := expander{sys: sys, x: x}
		e.found = func(m move, broken fault) {
			if broken == noFault {
				all, to = append(all, m), append(to, e.y)
			}
		}
		e.expand()
		if len(all) == 0 {
			break
		}
		i := rng.IntN(len(all))
		if ev := sys.event(&x, &to[i], all[i]); ev != nil {
			it := protocol.Item{Event: *ev, Prog: protocol.AnyProg}
			if ev.Kind == protocol.Called && ev.Op.Gives() {
				it.Prog = 100 + int(givenField.of(to[i][0]))
			}
			t.Items = append(t.Items, it)
		}
		x = to[i]
		if observe && rng.IntN(4) == 0 {
			t.Items = append(t.Items, observed(sys, &x, rng.IntN(s.Shape.Sites)))
		}
	}
	return t, nil
}

// observed is what memory holds of a site.
func observed(sys *system, x *state, site int) protocol.Item {
	key := sys.keyOf(site)
	it := protocol.Item{Kind: protocol.Saw, Prog: protocol.AnyProg}
	it.Key, it.Desc = key, slices.Index(sys.sitesOf(key), site)
	for s := range protocol.Slots {
		it.Seen[s] = textOf(slotOf(x[1+site], protocol.Slot(s)).mem(), protocol.Slot(s))
		if it.Seen[s].Tail >= 0 {
			it.Seen[s].Tail += 101
		}
	}
	return it
}

func drawShape(t *rapid.T) protocol.Shape {
	keys := rapid.IntRange(1, 2).Draw(t, "keys")
	return protocol.Shape{
		Threads: rapid.IntRange(1, 2).Draw(t, "threads"), Keys: keys,
		Sites: rapid.IntRange(1, 3).Draw(t, "sites"), Programs: rapid.IntRange(1, 3).Draw(t, "programs"),
		Same: rapid.Bool().Draw(t, "same"),
	}
}

// TestWalksConform: whatever the model does, with threads, a trace of it conforms, as
// recorded, printed and read back, and with any of its observations left out.
func TestWalksConform(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(builtin()).Draw(t, "subject")
		if m := rapid.SampledFrom(protocol.Zoo()).Draw(t, "mutant"); rapid.Bool().Draw(t, "mutated") {
			var err error
			if s, err = m.Apply(protocol.DefaultSubject()); err != nil {
				t.Fatal(err)
			}
		}
		s.Shape = drawShape(t)
		seed := rapid.Uint64().Draw(t, "seed")
		tr, err := walk(s, rapid.IntRange(1, 300).Draw(t, "moves"), rand.New(rand.NewPCG(seed, 1)), true)
		if err != nil {
			t.Fatal(err)
		}
		keep := rapid.SampledFrom([]int{0, 1, 2, 3}).Draw(t, "keep")
		n := 0
		tr.Items = slices.DeleteFunc(tr.Items, func(it protocol.Item) bool {
			n++
			return it.Kind == protocol.Saw && n%4 > keep
		})
		again, err := protocol.ParseTrace(tr.String())
		if err != nil {
			t.Fatal(err)
		}
		for _, tr := range []protocol.Trace{tr, again} {
			r, err := Conform(s, tr)
			if err != nil {
				t.Fatal(err)
			}
			if r.Mismatch != nil || r.Items != len(tr.Items) || r.Events+r.Observations != r.Items {
				t.Fatalf("%+v: %v of\n%v", r, r.Mismatch, tr)
			}
		}
	})
}

// TestWalksConformUnseen: without the events of pokes, grace periods and programs the rest
// conforms too, and a memory that no state shows does not.
func TestWalksConformUnseen(t *testing.T) {
	seeds := uint64(200)
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		s := protocol.DefaultSubject()
		s.Shape = protocol.Shape{Threads: 1, Sites: 2, Programs: 2, Keys: 1}
		tr, err := walk(s, 200, rand.New(rand.NewPCG(seed, 2)), true)
		if err != nil {
			t.Fatal(err)
		}
		tr.Records = []protocol.EventKind{protocol.Called, protocol.Returned}
		tr.Items = slices.DeleteFunc(tr.Items, func(it protocol.Item) bool {
			return it.Kind == protocol.Happened && !tr.Recorded(it.Event.Kind)
		})
		if r := conform(t, s, tr); r.Mismatch != nil || r.Items != len(tr.Items) {
			t.Fatalf("seed %d: %v of\n%v", seed, r.Mismatch, tr)
		}
		at := len(tr.Items) / 2
		a := protocol.Item{Kind: protocol.Saw, Prog: protocol.AnyProg}
		a.Seen = [protocol.Slots]protocol.SlotText{{Head: protocol.HeadNop, Tail: protocol.NopTail}, {Head: protocol.HeadNop, Tail: protocol.NopTail}}
		tr.Items = slices.Insert(tr.Items, at, a)
		if r := conform(t, s, tr); r.Mismatch == nil || r.Mismatch.Index != at {
			t.Fatalf("seed %d: state A at %d: %v of\n%v", seed, at, r.Mismatch, tr)
		}
	}
}

// mutations are faults that a recording, or the recorded mutator, may have. Each is made at an
// index and says at which one the trace must be refused.
var mutations = map[string]func(items []protocol.Item, i int) []protocol.Item{
	"drop":      func(items []protocol.Item, i int) []protocol.Item { return slices.Delete(items, i, i+1) },
	"duplicate": func(items []protocol.Item, i int) []protocol.Item { return slices.Insert(items, i+1, items[i]) },
	"swap": func(items []protocol.Item, i int) []protocol.Item {
		items[i], items[i+1] = items[i+1], items[i]
		return items
	},
}

// TestMutatedTraces: a trace with an event too many, too few or in the wrong place is
// refused, at the first item in which it differs from what was recorded.
func TestMutatedTraces(t *testing.T) {
	for _, p := range few(1, protocol.Protocols()) {
		s := protocol.DefaultSubject()
		s.Protocol = p
		s.Shape = protocol.Shape{Threads: 1, Sites: 3, Programs: 2, Keys: 2}
		tr, err := walk(s, 1500, rand.New(rand.NewPCG(1, 3)), false)
		if err != nil {
			t.Fatal(err)
		}
		if len(tr.Items) < 100 {
			t.Fatalf("only %d events", len(tr.Items))
		}
		for name, mutate := range mutations {
			for i := range len(tr.Items) - 1 {
				items := mutate(slices.Clone(tr.Items), i)
				first := 0
				for first < len(items) && items[first] == tr.Items[first] {
					first++
				}
				r := conform(t, s, protocol.Trace{Items: items})
				switch m := r.Mismatch; {
				case m == nil || m.Index != first || m.Item != items[first]:
					t.Fatalf("%s, %s of item %d, %v: refused %v", p.Name, name, i+1, tr.Items[i], m)
				case !slices.ContainsFunc(m.Allowed, func(s string) bool { return strings.HasPrefix(tr.Items[first].String(), s) }):
					t.Fatalf("%s, %s of item %d: %v was recorded, and %v does not allow it", p.Name, name, i+1, tr.Items[first], m)
				}
			}
		}
	}
}

// TestUsedByTheKey: a program that a key holds is used, though the map's pointer may name another one.
func TestUsedByTheKey(t *testing.T) {
	sys, err := newSystem(copies(1), 1, true)
	if err != nil {
		t.Fatal(err)
	}
	sys.apart = true
	a, x := &automaton{sys: sys}, sys.initial()
	x[0] = heldField.at(0).put(x[0], 2)
	x[sys.extra] = pointerField.at(0).put(x[sys.extra], 1)
	if used := a.used(&x); used != programBit(1)|programBit(2) {
		t.Errorf("%b are used", used)
	}
}
