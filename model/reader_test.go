package model

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

func parsedProtocol(t *testing.T, text string) protocol.Protocol {
	t.Helper()
	p, err := protocol.ParseProtocol(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// manyReaders lists subjects with kinds of readers, in which each grace period waits for others.
func manyReaders(t *testing.T) []protocol.Subject {
	t.Helper()
	p := parsedProtocol(t, `protocol kinds
  reader  a: rcu
  reader  b: srcu, epoch
  reader  c: epoch, rcu
  install publish; each { target=jump; bypass=nop }
  update  publish; each { target=jump }; wait srcu; wait rcu if changed; free
  remove  publish; each { bypass=jump; wait; target=nop; wait rcu }; retire srcu`)
	out := make([]protocol.Subject, 3)
	for i := range out {
		out[i] = protocol.DefaultSubject()
		out[i].Protocol = p
	}
	out[0].Method = protocol.Methods()[1]
	out[1].Grace = protocol.Graces()[1]
	// One kind, of which the subject's own grace periods know nothing.
	out[2].Protocol = parsedProtocol(t, `protocol unknown
  reader  a: rcu
  install publish; each { target=jump; bypass=nop }
  update  publish; each { target=jump }; retire rcu
  remove  publish; each { bypass=jump; wait; target=nop }; retire rcu`)
	return out
}

// TestSleepable pins what is found of the kernel's order since 7.0, and of what mends it.
func TestSleepable(t *testing.T) {
	for _, c := range []struct {
		name                string
		states, transitions uint64
		depth               int
		breaks              protocol.Property
	}{
		{"sleepable-readers", 601, 1246, 30, protocol.NeverA},
		{"sleepable-freed", 549, 1146, 29, protocol.NoUseAfterFree},
		{"sleepable-both", 1613, 3858, 55, ""},
		{"sleepable-lazy", 1576, 3760, 45, ""},
	} {
		r := check(t, mutant(t, c.name), Options{Progress: true})
		if r.Property != c.breaks || r.States != c.states || r.Transitions != c.transitions || r.Depth != c.depth {
			t.Errorf("%s: found %s %s, %d, %d, %d; want %q, %d, %d, %d\n%v", c.name, r.Verdict, r.Property,
				r.States, r.Transitions, r.Depth, c.breaks, c.states, c.transitions, c.depth, r.Witness)
		}
		if r.Witness != nil {
			checkWitness(t, c.name, r, 1)
			if got := kindsIn(r.Witness); !slices.Equal(got, []string{"sleepable"}) {
				t.Errorf("%s: readers of the witness are %v", c.name, got)
			}
		}
	}
	r := check(t, mutant(t, "sleepable-readers"), Options{})
	for _, s := range r.Witness.Steps {
		if s.Action.Do == witness.Wait && s.Action.Grace == protocol.OwnPeriod {
			t.Errorf("the wait names no kind of grace period: %s", r.Witness.Words(&s))
		}
	}
}

// TestSleepableGolden pins what a person gets to read of it.
func TestSleepableGolden(t *testing.T) {
	golden(t, "sleepable-readers.int3", check(t, mutant(t, "sleepable-readers"), Options{}).Witness.String())
}

// kindsIn lists the kinds of readers that enter in a witness.
func kindsIn(w *witness.Witness) (out []string) {
	for _, s := range w.Steps {
		if s.Action.Do == witness.Enter {
			out = append(out, s.Action.Reader)
		}
	}
	return out
}

// TestEveryKindIsWaitedFor takes a correct protocol and leaves out one wait or one name of a kind
// of readers: the model must accuse the kind that is not waited for, and no other.
func TestEveryKindIsWaitedFor(t *testing.T) {
	const text = `protocol p
  reader  a: rcu
  reader  b: srcu
  install publish; each { target=jump; bypass=nop }
  update  publish; each { target=jump }; wait rcu; wait srcu; free
  remove  publish; each { bypass=jump; wait rcu; wait srcu; target=nop }; free`
	for _, c := range []struct{ drop, with, kind string }{
		{"", "", ""},
		{"wait rcu; wait srcu; target", "wait srcu; target", "a"},
		{"wait rcu; wait srcu; target", "wait rcu; target", "b"},
		{"wait rcu; wait srcu; target", "wait rcu; wait rcu; target", "b"},
		{"wait rcu; wait srcu; free", "wait srcu; free", "a"},
		{"wait rcu; wait srcu; free", "wait rcu; free", "b"},
		{"wait rcu; wait srcu; free", "wait; retire rcu", "b"},
		{"wait rcu; wait srcu; free", "wait rcu; retire srcu", ""},
		{"b: srcu", "b: srcu, tasks", ""},
		{"b: srcu", "b: tasks", "b"},
		{"b: srcu", "b: rcu", ""},
	} {
		s := protocol.DefaultSubject()
		s.Protocol = parsedProtocol(t, strings.Replace(text, c.drop, c.with, 1))
		r := check(t, s, Options{})
		switch {
		case c.kind == "" && r.Verdict != protocol.Proved:
			t.Errorf("%v: found %s\n%v", s.Protocol, r.Property, r.Witness)
		case c.kind != "" && (r.Witness == nil || !slices.Contains(kindsIn(r.Witness), c.kind)):
			t.Errorf("%v: found %s %s, want reader %s\n%v", s.Protocol, r.Verdict, r.Property, c.kind, r.Witness)
		}
	}
}

// TestNamedGracesHaveNoFlavour: the subject's flavour is that of its own grace periods. What is named
// keeps its promise, and waits for the only kind of readers alone if that is the subject's.
func TestNamedGracesHaveNoFlavour(t *testing.T) {
	for name, want := range map[string]protocol.Verdict{
		"epoch": protocol.Proved, "rcu": protocol.Violated, "srcu": protocol.Violated, "": protocol.Violated,
	} {
		s := protocol.DefaultSubject()
		s.Protocol = parsedProtocol(t, strings.NewReplacer("wait", "wait "+name, "retire", "retire "+name).
			Replace(s.Protocol.String()))
		for _, g := range protocol.Graces()[1:] {
			s.Grace = g
			if r := check(t, s, Options{}); r.Verdict != want {
				t.Errorf("%q, %s: found %s\n%v", name, g.Name, r.Verdict, r.Witness)
			}
		}
		s.Grace = protocol.Graces()[0]
		if r := check(t, s, Options{}); (r.Verdict == protocol.Proved) != (name == "epoch" || name == "") {
			t.Errorf("%q: found %s\n%v", name, r.Verdict, r.Witness)
		}
	}
}

// TestFlavoursThatAskMore: a flavour that the model carries out step by step knows no kinds.
func TestFlavoursThatAskMore(t *testing.T) {
	for _, g := range protocol.ModelGraces() {
		for _, s := range []protocol.Subject{mutant(t, "sleepable-both"), named(t)} {
			s.Grace = g
			_, err := Check(s, Options{})
			if want := "kinds of readers, or of grace periods, with the flavour " + g.Name; !errors.Is(err, ErrUnsupported) ||
				!strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s of %s: %v", g.Name, s.Protocol.Name, err)
			}
		}
	}
}

// named is the kernel's protocol with a name for one of its grace periods.
func named(t *testing.T) protocol.Subject {
	s := protocol.DefaultSubject()
	s.Protocol = parsedProtocol(t, strings.Replace(s.Protocol.String(), "wait", "wait epoch", 1))
	return s
}

// TestCutoffOfKinds: one thread, whose executions are of any kind, stands for two and three.
func TestCutoffOfKinds(t *testing.T) {
	for _, s := range manyReaders(t) {
		s.Method = protocol.Methods()[1]
		sameAnswer(t, s, 2, true)
	}
	for _, name := range []string{"sleepable-readers", "sleepable-freed", "sleepable-both", "sleepable-lazy"} {
		s := mutant(t, name)
		s.Method = protocol.Methods()[1]
		sameAnswer(t, s, 3)
	}
}
