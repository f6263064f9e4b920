package search

import (
	"slices"
	"testing"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// parsed returns the kernel's protocol with an operation given as text.
func parsed(t *testing.T, op protocol.OpKind, text string) protocol.Protocol {
	t.Helper()
	p, err := protocol.Edit{Of: protocol.Of(op), Do: protocol.Rewrite, With: text}.Apply(protocol.DefaultSubject())
	if err != nil {
		t.Fatal(err)
	}
	return p.Protocol
}

func TestSums(t *testing.T) {
	for _, c := range []struct {
		op             protocol.OpKind
		text           string
		none, one, two report.Cost // on so many sites
		leaves         string
		indirect       bool
	}{
		{protocol.Install, "publish; each { target=jump; bypass=nop }", report.Cost{}, cost(0, 2), cost(0, 4), "B", true},
		{protocol.Update, "publish; each { target=jump }; retire", report.Cost{}, cost(0, 1), cost(0, 2), "B", true},
		{protocol.Update, "publish; each { bypass=nop }; wait; retire", cost(1, 0), cost(1, 0), cost(1, 0), "B", true}, // the poke changes nothing
		{protocol.Update, "publish; each { bypass=nop }; wait if changed; retire", report.Cost{}, report.Cost{}, report.Cost{}, "B", true},
		{protocol.Remove, "publish; each { bypass=jump; wait; target=nop }; retire", report.Cost{}, cost(1, 2), cost(2, 4), "C", true},
		{protocol.Remove, "publish; each { bypass=jump }; wait; each { target=nop }; retire", cost(1, 0), cost(1, 2), cost(1, 4), "C", true},
		{protocol.Remove, "publish; each { bypass=jump }; retire", report.Cost{}, cost(0, 1), cost(0, 2), "D", true},
		{protocol.Remove, "publish; wait; each { target=nop }; retire", cost(1, 0), cost(1, 1), cost(1, 2), "A", true},
		{protocol.Remove, "publish; retire", report.Cost{}, report.Cost{}, report.Cost{}, "B", true},

		// An indirect caller finds the program in the map up to publish, and may be in it
		// for a grace period longer.
		{protocol.Remove, "each { bypass=jump }; retire; publish", report.Cost{}, cost(0, 1), cost(0, 2), "D", false},
		{protocol.Remove, "publish; each { bypass=jump }; free", report.Cost{}, cost(0, 1), cost(0, 2), "D", false},
		{protocol.Remove, "wait; publish; free", cost(1, 0), cost(1, 0), cost(1, 0), "B", false},
		{protocol.Remove, "publish; wait; free", cost(1, 0), cost(1, 0), cost(1, 0), "B", true},
		{protocol.Remove, "publish; free; wait", cost(1, 0), cost(1, 0), cost(1, 0), "B", false},
		// Without direct sites a wait "if changed" is skipped.
		{protocol.Remove, "publish; each { bypass=jump }; wait; free", cost(1, 0), cost(1, 1), cost(1, 2), "D", true},
		{protocol.Remove, "publish; each { bypass=jump }; wait if changed; free", report.Cost{}, cost(1, 1), cost(1, 2), "D", false},
		{protocol.Update, "publish; each { wait }; each { target=jump }; free", report.Cost{}, cost(1, 1), cost(2, 2), "B", false},
	} {
		s := sumOf(parsed(t, c.op, c.text), c.op)
		if got := [...]report.Cost{s.costs[0], s.costs[1], s.costs[2]}; got != [...]report.Cost{c.none, c.one, c.two} {
			t.Errorf("%v %s: costs %v", c.op, c.text, got)
		}
		if s.leaves != c.leaves || s.indirect != c.indirect {
			t.Errorf("%v %s: leaves %s, indirect %t", c.op, c.text, s.leaves, s.indirect)
		}
	}
}

// TestBegins: behind lazy removes an install finds what they left, be it the program
// that it gives.
func TestBegins(t *testing.T) {
	lazy, err := protocol.ProtocolByName("lazy")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		p    protocol.Protocol
		want []begin
	}{
		{protocol.Protocols()[0], []begin{
			{protocol.Install, siteText{instrOut, instrNop}},
			{protocol.Update, siteText{instrNop, instrOld}}, {protocol.Remove, siteText{instrNop, instrOld}},
		}},
		{lazy, []begin{
			{protocol.Install, siteText{instrOut, instrNop}},
			{protocol.Install, siteText{instrOut, instrGiven}}, {protocol.Install, siteText{instrOut, instrOther}},
			{protocol.Update, siteText{instrNop, instrOld}}, {protocol.Remove, siteText{instrNop, instrOld}},
		}},
	} {
		if got := beginsOf(c.p); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.p.Name, got, c.want)
		}
	}
}

// TestEffectsAgainstModel holds what is computed here against what the model saw: a
// safe protocol has a poke that changes nothing, or a wait that is skipped, exactly if
// the model met one. Costs grow evenly with the sites.
func TestEffectsAgainstModel(t *testing.T) {
	if testing.Short() {
		t.Skip("short: nothing runs beside it, and it takes seconds")
	}
	s := protocol.DefaultSubject()
	proved, idle, skipped := 0, 0, 0
	for _, op := range allOps {
		for _, w := range allWords(op, 4) {
			// A wait "if changed" that is skipped stands in a safe install of four steps:
			// before its two pokes.
			long := op == protocol.Install && countOf(w, protocol.Wait) == 1 && countOf(w, protocol.Poke) == 2
			if countOf(w, protocol.Publish) != 1 || len(w) == 4 && !long {
				continue
			}
			steps := stepsOf(w)
			if long {
				waitIfChanged(steps)
			}
			s.Protocol = withOp(op, steps)
			costs := sumOf(s.Protocol, op).costs
			if costs[3].Waits-costs[2].Waits != costs[2].Waits-costs[1].Waits || costs[3].Pokes-costs[2].Pokes != costs[2].Pokes-costs[1].Pokes {
				t.Errorf("%v: costs %v", s.Protocol, costs)
			}
			r, err := model.Check(s, model.Options{Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != protocol.Proved {
				continue // the model saw a part of it
			}
			proved++
			noPoke, noWait := deadSteps(s.Protocol)
			if noPoke != (r.Reached.NothingToDo > 0) || noWait != (r.Reached.WaitsSkipped > 0) {
				t.Errorf("%vdead pokes %t, skipped waits %t; the model saw %d and %d", s.Protocol,
					noPoke, noWait, r.Reached.NothingToDo, r.Reached.WaitsSkipped)
			}
			if noPoke {
				idle++
			}
			if noWait {
				skipped++
			}
		}
	}
	if proved == 0 || idle == 0 || skipped == 0 {
		t.Errorf("%d proved, %d with a dead poke, %d with a skipped wait", proved, idle, skipped)
	}
}

// waitIfChanged turns every wait into one "if changed".
func waitIfChanged(steps []protocol.Step) {
	for i := range steps {
		steps[i].IfChanged = steps[i].Kind == protocol.Wait
		waitIfChanged(steps[i].Body)
	}
}

// deadSteps reports whether some operation on one site has a poke that changes nothing,
// or a wait that is skipped.
func deadSteps(p protocol.Protocol) (poke, wait bool) {
	for _, b := range beginsOf(p) {
		e := carryOut(p, b.op, 1, b.at)
		for _, a := range p.Unroll(b.op, 1) {
			switch a.Kind {
			case protocol.Poke:
				e.pokes--
			case protocol.Wait:
				e.waits--
			}
		}
		poke, wait = poke || e.pokes < 0, wait || e.waits < 0
	}
	return poke, wait
}

func cost(waits, pokes int) report.Cost { return report.Cost{Waits: waits, Pokes: pokes} }
