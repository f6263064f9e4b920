package model

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

// TestSpin holds a few explorations against Spin's. scripts/spin holds all of them.
func TestSpin(t *testing.T) {
	needSpin(t)
	kernel := protocol.DefaultSubject()
	word := kernel
	word.Method = protocol.Methods()[1]
	word.Shape = protocol.Shape{Sites: 3, Programs: 1, Keys: 2}
	forget := mutant(t, "forget-reader")
	forget.Method = word.Method
	explored := []comparison{{kernel, 2}, {word, 1}, {forget, 2}, {mutant(t, "bytes"), 1}}
	for _, s := range spinCorners(t) {
		s.Shape = protocol.Shape{Sites: 2, Programs: 2, Keys: 1}
		explored = append(explored, comparison{s, 1})
	}
	race, life := word, needy(t, "late-untrack")
	race.Shape = protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Same: true, Mutators: 2}
	race.Protocol.Mutex = protocol.MutexNone
	life.Method = word.Method
	life.Shape = protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Indirect: true, Copies: 1, Mutators: 2}
	forgotten := needy(t, "late-forget")
	forgotten.Method = word.Method
	forgotten.Shape = protocol.Shape{Sites: 2, Programs: 2, Keys: 1, Nested: true, Deep: true}
	explored = append(explored, comparison{race, 1}, comparison{life, 1}, comparison{forgotten, 1})
	if testing.Short() {
		explored = explored[len(explored)-1:]
	}
	for _, c := range explored {
		a := c.answers()
		if a.err != nil || !a.agree() {
			t.Errorf("%v\n%v", c, a)
		}
	}
}

// spinCorners lists subjects that go where the built-in ones and the zoo do not.
func spinCorners(t *testing.T) []protocol.Subject {
	t.Helper()
	// The second poke does nothing, and the wait must remember the first.
	p, err := protocol.ParseProtocol(`protocol stutter
  install publish; each { target=jump; bypass=nop }
  update  publish; each { target=jump }; retire
  remove  publish; each { bypass=jump; bypass=jump; wait; target=nop }; retire`)
	if err != nil {
		t.Fatal(err)
	}
	stutter, trap := protocol.DefaultSubject(), protocol.DefaultSubject()
	stutter.Protocol, stutter.Method = p, protocol.Methods()[1]
	// The trap byte stays, for threads and for the next poke.
	trap.Method = protocol.Method{
		Name: "trap", Steps: microSteps("all", "head=int3", "sync"),
	}
	// The old bytes come back on the way, byte by byte and at once: the grammar has no words for it.
	back := stutter
	back.Protocol = protocol.Protocols()[0]
	back.Method = protocol.Method{Name: "back", Steps: slices.Concat(
		microSteps("head=int3", "tail"), []protocol.MicroStep{
			{Off: 1, From: protocol.FromOld}, {Len: 1, From: protocol.FromOld},
			{From: protocol.FromOld, Single: true},
		}, microSteps("head=int3", "sync", "all", "sync"))}
	// A CPU may see the second store of the same bytes, and not the first.
	twice := protocol.DefaultSubject()
	twice.Method = protocol.Method{Name: "twice", Steps: microSteps("all", "tail", "sync")}
	return append(corners(t), stutter, trap, back, twice)
}

// A comparison is a subject that both sides explore with so many threads.
type comparison struct {
	protocol.Subject
	n int
}

func (c comparison) String() string {
	return fmt.Sprintf("%-29s %7d  %5d  %8d  %4d  %-36s", nameOf(c.Subject), c.n,
		c.Shape.Sites, c.Shape.Programs, c.Shape.Keys, alsoOf(c.Subject))
}

// alsoOf names what a shape has beyond.
func alsoOf(s protocol.Subject) string {
	var out []string
	if s.Shape.Indirect {
		out = append(out, "indirect")
	}
	if s.Shape.Same {
		out = append(out, "same")
	}
	if s.Shape.Nested {
		out = append(out, "nested")
	}
	if s.Shape.Deep {
		out = append(out, "deep")
	}
	if n := s.Shape.Maps; n > 1 {
		out = append(out, fmt.Sprintf("maps=%d", n))
	}
	if n := s.Shape.Copies; n > 0 {
		out = append(out, fmt.Sprintf("copies=%d", n))
	}
	if n := s.Shape.Mutators; n > 1 {
		out = append(out, fmt.Sprintf("mutators=%d", n))
	}
	if s.Shape.Copies > 0 || s.Shape.Mutators > 1 {
		out = append(out, fmt.Sprintf("mutex=%v", s.Protocol.Mutex))
	}
	return strings.Join(out, " ")
}

// answers are those of both sides.
type answers struct {
	spin, explorer found
	err            error
}

func (c comparison) answers() answers {
	spin, err := spinFinds(c.Subject, c.n)
	explorer, err2 := explorerFinds(c.Subject, c.n)
	return answers{spin, explorer, errors.Join(err, err2)}
}

// agree reports whether both sides found the same: each state, each transition, and for
// each property whether it can be broken and in how many steps.
func (a answers) agree() bool {
	s, e := a.spin, a.explorer
	return s.states == e.states && s.transitions == e.transitions && s.depth == e.depth &&
		maps.Equal(s.first, e.first)
}

func (a answers) String() string {
	switch {
	case a.err != nil:
		return a.err.Error()
	case !a.agree():
		return fmt.Sprintf("DIFFERENT:\n  spin     %v\n  explorer %v", a.spin, a.explorer)
	default:
		return a.spin.String()
	}
}

func (f found) String() string {
	text := fmt.Sprintf("%8d  %11d  %5d  ", f.states, f.transitions, f.depth)
	if len(f.first) == 0 {
		return text + "nothing"
	}
	for _, p := range faultProperties[1:] {
		if n, broken := f.first[p]; broken {
			text += fmt.Sprintf("%s in %d, ", p, n)
		}
	}
	return strings.TrimSuffix(text, ", ")
}
