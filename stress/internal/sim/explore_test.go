package sim

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/patcher/protocol"
)

// naive explores with a map and nothing else, and counts states and transitions.
func naive(t testing.TB, c Config) (states, transitions int) {
	t.Helper()
	c = c.withDefaults()
	s, err := newSystem(&c)
	if err != nil {
		t.Fatal(err)
	}
	x, err := s.initial()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{fmt.Sprint(x): true}
	next := []state{x}
	e := newExpander(s)
	e.found = func(_ move, y state, f *fault) {
		transitions++
		if f != nil {
			t.Fatalf("breaks %v", f)
		}
		s.canonical(y)
		if k := fmt.Sprint(y); !seen[k] {
			seen[k] = true
			next = append(next, slices.Clone(y))
		}
	}
	for len(next) > 0 {
		x, next = next[len(next)-1], next[:len(next)-1]
		if e.expand(x); e.err != nil {
			t.Fatal(e.err)
		}
	}
	return len(seen), transitions
}

// TestCountsOfANaiveExplorer holds the explorer against one that is too simple to be wrong.
func TestCountsOfANaiveExplorer(t *testing.T) {
	ways := []struct{ symmetry, merge, forward bool }{
		{false, false, false}, {true, false, false}, {false, true, false}, {false, false, true}, {true, true, true},
	}
	if testing.Short() {
		ways = ways[:1]
	}
	for _, o := range ways {
		c := direct(t, 2, 1, 1)
		c.Script = script(t, "put 0 0\ndelete 0\n")
		c.NoSymmetry, c.NoMerge, c.Forward = o.symmetry, o.merge, o.forward
		states, transitions := naive(t, c)
		if r := check(t, c); r.States != states || r.Transitions != transitions || r.Verdict != protocol.Safe {
			t.Errorf("%+v: %d states, %d transitions, want %d and %d", o, r.States, r.Transitions, states, transitions)
		}
	}
}

// TestOneThreadCountedByHand has one site that is never poked. The thread is idle or stands in
// front of the bypass; and if the key holds a program, in front of the target and in the program.
func TestOneThreadCountedByHand(t *testing.T) {
	c := direct(t, 1, 1, 1)
	c.Script = protocol.Script{}
	if r := check(t, c); r.States != 2 || r.Transitions != 2 || r.Skips != 1 {
		t.Errorf("an empty key: %+v", r)
	}
	c.Held = []int{0}
	if r := check(t, c); r.States != 4 || r.Transitions != 4 || r.Tails != 1 {
		t.Errorf("a key that holds a program: %+v", r)
	}
}

// TestProgramsWithSitesOfTheirOwn has a program that tail calls the next key: its sites are
// poked as those of the entry are, until it is freed.
func TestProgramsWithSitesOfTheirOwn(t *testing.T) {
	chain := parse(t, "chain", append(append([]asm.Instruction{asm.Mov.Reg(asm.R6, asm.R1)}, tailCall(1)...), leafEnd...)...)
	for name, want := range map[string]protocol.Property{
		"": "", "no-grace": protocol.NeverA, "free-on-update": protocol.NoUseAfterFree, "bytes": protocol.NoTorn,
		"free-after-wait": "",
	} {
		c := direct(t, 2, 1, 1)
		c.Programs = append(c.Programs, chain)
		c.Keys, c.Maps[table] = []protocol.Key{{Map: table, Index: 0}, {Map: table, Index: 1}}, 2
		c.Outcomes = []uint64{100, 1, 0}
		c.Held = []int{1, 0}
		c.Script = script(t, "delete 1\nput 1 0\nput 0 0\ndelete 1\n")
		if name != "" {
			m, err := protocol.MutantByName(name)
			if err != nil {
				t.Fatal(err)
			}
			if c.Subject, err = m.Apply(c.Subject); err != nil {
				t.Fatal(err)
			}
			c.Subject.Shape.Threads = 2
		}
		t.Run(name, func(t *testing.T) {
			expect(t, check(t, c), want)
		})
	}
}

// A looks is a context that ends once it was looked at so many times.
type looks struct {
	context.Context
	left int
}

func (l *looks) Err() error {
	if l.left--; l.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestViolationOfACutLevel stops an exploration at every moment. What it has seen by then, it
// says: the last level that is explored has the violation, whether or not it is whole.
func TestViolationOfACutLevel(t *testing.T) {
	c := direct(t, 3, 1, 2)
	level := 0
	c.Workers, c.Script, c.Far = 1, script(t, "put 0 0\nput 0 1\ndelete 0\n"), func(_, size, _ int) { level = size }
	m, err := protocol.MutantByName("no-grace")
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject, err = m.Apply(c.Subject); err != nil {
		t.Fatal(err)
	}
	for n := range 10_000 {
		r, err := Check(&looks{t.Context(), n}, c)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != protocol.Violated {
			continue
		}
		whole := &looks{t.Context(), 10_000}
		if r, err = Check(whole, c); err != nil || r.Verdict != protocol.Violated {
			t.Fatalf("not stopped: %v, %v", r.Verdict, err)
		}
		if level <= 2*chunk {
			t.Errorf("the level has %d states, which are taken together", level)
		}
		// A look ends the exploration, one comes before each chunk, and one when there are no more.
		if asked := 10_000 - whole.left; n >= asked-2 {
			t.Errorf("violated only by the last but %d of %d looks", asked-n, asked)
		}
		return
	}
	t.Error("never violated")
}
