package search

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/patcher/protocol"
)

var allOps = []protocol.OpKind{protocol.Install, protocol.Update, protocol.Remove}

// withOp returns the kernel's protocol with another operation.
func withOp(op protocol.OpKind, steps []protocol.Step) protocol.Protocol {
	p := protocol.Protocols()[0]
	p.Ops[op] = steps
	return p
}

// allWords lists words as a search sees them.
func allWords(op protocol.OpKind, most int) [][]letter {
	var out [][]letter
	words(op, most, func(w []letter) bool {
		out = append(out, slices.Clone(w))
		return true
	})
	return out
}

// TestWords: every text of the grammar is there, once. The count is that of the grammar:
// out steps outside each, in of them inside, which join the each before them or do not.
func TestWords(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it, and it takes seconds")
	}
	for _, c := range []struct {
		op      protocol.OpKind
		out, in int
	}{{protocol.Install, 2, 5}, {protocol.Update, 4, 5}, {protocol.Remove, 4, 4}} {
		const most = 4
		want, outside, inside := 0, 1, 0 // words by their last letter; the empty one ends outside
		for range most {
			outside, inside = c.out*(outside+inside), c.in*(outside+2*inside)
			want += outside + inside
		}
		seen := map[string]bool{}
		for _, w := range allWords(c.op, most) {
			p := withOp(c.op, stepsOf(w))
			if seen[p.String()] {
				t.Fatalf("twice:\n%v", p)
			}
			seen[p.String()] = true
			back, err := protocol.ParseProtocol(p.String())
			if err != nil {
				t.Fatalf("%v\n%v", err, p)
			}
			if diff := cmp.Diff(p.String(), back.String()); diff != "" {
				t.Fatal(diff)
			}
		}
		if len(seen) != want {
			t.Errorf("%v: %d texts, want %d", c.op, len(seen), want)
		}
	}
}

func TestWordsStop(t *testing.T) {
	n := 0
	words(protocol.Remove, MaxSteps, func([]letter) bool { n++; return n < 1000 })
	if n != 1000 {
		t.Errorf("%d words", n)
	}
}

func TestWithout(t *testing.T) {
	var kernel []letter
	const text = "publish; each { bypass=jump; wait; target=nop }; retire"
	words(protocol.Remove, 5, func(w []letter) bool {
		kernel = slices.Clone(w)
		return stepsText(stepsOf(w)) != text
	})
	if got := stepsText(stepsOf(kernel)); got != text {
		t.Fatalf("the last word is %s", got)
	}
	for i, want := range []string{
		"each { bypass=jump; wait; target=nop }; retire",
		"publish; each { wait; target=nop }; retire",
		"publish; each { bypass=jump; target=nop }; retire",
		"publish; each { bypass=jump; wait }; retire",
		"publish; each { bypass=jump; wait; target=nop }",
	} {
		if got := stepsText(stepsOf(without(kernel, i))); got != want {
			t.Errorf("without letter %d: %s, want %s", i, got, want)
		}
	}
	if got := stepsText(stepsOf(kernel)); got != text {
		t.Errorf("the word became %s", got)
	}
	if n := strings.Count(text, ";"); n != len(kernel)-1 {
		t.Errorf("%d letters, %d semicolons", len(kernel), n)
	}
}
