package protocol

import (
	"slices"
	"testing"
)

// mixed has two kinds of readers, one of which two grace periods wait for.
const mixed = `protocol mixed
  reader   plain: rcu, tasks-trace
  reader   other: epoch
  install  publish; each { target=jump; bypass=nop }
  update   publish; wait; wait srcu if changed; retire tasks-trace
  remove   publish; each { wait rcu if changed; bypass=jump }; retire
`

func TestAwaits(t *testing.T) {
	p := must(ParseProtocol(mixed))
	one := must(ParseProtocol(kernelText))
	for _, c := range []struct {
		grace               Period
		plain, other, alone bool
	}{
		{OwnPeriod, false, true, true}, {Epoch, false, true, true}, {RCU, true, false, false},
		{Tasks, false, false, false}, {TasksTrace, true, false, false}, {SRCU, false, false, false},
	} {
		if a, b := p.Awaits(c.grace, 0), p.Awaits(c.grace, 1); a != c.plain || b != c.other {
			t.Errorf("%q waits for plain %v, for other %v", c.grace, a, b)
		}
		if got := one.Awaits(c.grace, 0); got != c.alone {
			t.Errorf("without kinds %q waits for readers: %v", c.grace, got)
		}
	}
	if p.Kinds() != 2 || one.Kinds() != 1 {
		t.Errorf("%d kinds and %d", p.Kinds(), one.Kinds())
	}
}

func TestGracesAreUnrolled(t *testing.T) {
	p := must(ParseProtocol(mixed))
	graces := func(op OpKind) (out []Period) {
		for _, a := range p.Unroll(op, 1) {
			if a.Kind == Wait || a.Kind == Retire {
				out = append(out, a.Grace)
			}
		}
		return out
	}
	if got := graces(Update); !slices.Equal(got, []Period{OwnPeriod, SRCU, TasksTrace}) {
		t.Errorf("update: %v", got)
	}
	if got := graces(Remove); !slices.Equal(got, []Period{RCU, OwnPeriod}) {
		t.Errorf("remove: %v", got)
	}
}

func TestSameKnowsReaders(t *testing.T) {
	p := must(ParseProtocol(mixed))
	for _, change := range []func(q *Protocol){
		func(q *Protocol) { q.Readers = nil },
		func(q *Protocol) { q.Readers[0].Name = "x" },
		func(q *Protocol) { q.Readers[0].Graces[1] = SRCU },
		func(q *Protocol) { q.Readers = q.Readers[:1] },
		func(q *Protocol) { q.Ops[Update][1].Grace = RCU },
		func(q *Protocol) { q.Ops[Remove][1].Body[0].Grace = SRCU },
	} {
		q := p.Clone()
		if !p.Same(q) {
			t.Fatal("a clone is another protocol")
		}
		change(&q)
		if p.Same(q) {
			t.Errorf("the same:\n%v%v", p, q)
		}
		if p.String() != mixed {
			t.Fatalf("a change of a clone changed what it was cloned from:\n%v", p)
		}
	}
}

// TestUnloadsWaitForEveryKind: where the text does not say how copies are unloaded, no kind of
// readers is left out.
func TestUnloadsWaitForEveryKind(t *testing.T) {
	p := must(ParseProtocol(mixed))
	if got := stepsText(p.UnloadSteps()); got != "wait rcu; wait epoch; untrack; free" {
		t.Errorf("unload %s", got)
	}
	p.Readers[1].Graces = []Period{RCU}
	if got := stepsText(p.UnloadSteps()); got != "wait rcu; untrack; free" {
		t.Errorf("unload %s", got)
	}
}

func TestNamesGraces(t *testing.T) {
	for text, want := range map[string]bool{
		"install\nupdate\nremove": false, "reader a: epoch\ninstall\nupdate\nremove": true,
		"install wait epoch\nupdate\nremove": true, "install\nupdate\nremove each { wait rcu }": true,
		"install wait\nupdate retire\nremove":               false,
		"install\nupdate retire srcu\nremove":               true,
		"install\nupdate\nremove\nunload wait rcu; untrack": true,
	} {
		if got := must(ParseProtocol("protocol p\n" + text)).NamesGraces(); got != want {
			t.Errorf("%v of %q", got, text)
		}
	}
}
