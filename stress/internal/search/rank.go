package search

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// rank sorts the safe candidates by what they cost on so many sites, and says of each
// what there is to say.
func rank(all []*candidate, base protocol.Protocol, op protocol.OpKind, sites int) []report.Found {
	safe := map[string]*candidate{}
	for _, c := range all {
		if c.verdict == protocol.Proved {
			safe[c.behaviour] = c
		}
	}
	names := knownBehaviours(op)
	classes := map[string]int{}
	out := make([]report.Found, 0, len(safe))
	for _, c := range all {
		if c.verdict != protocol.Proved {
			continue
		}
		f := c.found(op, sites)
		f.Name = names[c.behaviour]
		f.Spare = c.spare(base, op, safe)
		class := fmt.Sprint(countOf(c.word, protocol.Free), c.skeleton)
		if _, ok := classes[class]; !ok {
			classes[class] = len(classes) + 1
		}
		f.Class = classes[class]
		out = append(out, f)
	}
	// What is left of the order is the order of the enumeration: short texts first, and
	// publish as early as it can be.
	slices.SortStableFunc(out, compare)
	number(out)
	return out
}

// compare orders by cost, and puts before its equals what is better known or says more.
func compare(f, g report.Found) int {
	return cmp.Or(
		cmp.Compare(f.Waits, g.Waits), cmp.Compare(f.Pokes, g.Pokes),
		before(!f.Spare, !g.Spare), before(f.Name != "", g.Name != ""),
		cmp.Compare(f.Callers, g.Callers), cmp.Compare(f.Leaves, g.Leaves),
	)
}

// before orders what is so before what is not.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// number gives ranks, and chooses the first of each class. Spare ones have no rank, and
// stand for no class.
func number(sorted []report.Found) {
	first := map[int]int{} // by class
	at, last := 0, report.Cost{Waits: -1, Pokes: -1}
	for i := range sorted {
		f := &sorted[i]
		if f.Spare {
			continue
		}
		if f.Cost != last {
			at, last = at+1, f.Cost
		}
		f.Rank = at
		j, ok := first[f.Class]
		if !ok {
			first[f.Class], f.First, j = i, true, i
		}
		if f.Callers == sorted[j].Callers {
			sorted[j].Orders++
		}
	}
}

// found describes the operation.
func (c *candidate) found(op protocol.OpKind, sites int) report.Found {
	// A cost is the same for each site beyond the first.
	one, two := c.costs[1], c.costs[2]
	each := report.Cost{Waits: two.Waits - one.Waits, Pokes: two.Pokes - one.Pokes}
	f := report.Found{
		Text:     stepsText(c.protocol.Ops[op]),
		Cost:     report.Cost{Waits: one.Waits + (sites-1)*each.Waits, Pokes: one.Pokes + (sites-1)*each.Pokes},
		WaitsPer: perSite(each.Waits, one.Waits-each.Waits),
		PokesPer: perSite(each.Pokes, one.Pokes-each.Pokes),
		Leaves:   c.leaves, Callers: report.DirectCallers, Protocol: c.protocol.String(),
	}
	if c.indirect {
		f.Callers = report.AllCallers
	}
	f.Estimate = float64(f.Waits)*report.WaitSeconds + float64(f.Pokes)*report.PokeSeconds
	return f
}

// perSite writes each*N + once.
func perSite(each, once int) string {
	var parts []string
	switch {
	case each == 1:
		parts = append(parts, "N")
	case each != 0:
		parts = append(parts, fmt.Sprintf("%dN", each))
	}
	if once != 0 || each == 0 {
		parts = append(parts, fmt.Sprint(once))
	}
	return strings.Join(parts, "+")
}

// spare reports whether a step can be left out.
func (c *candidate) spare(base protocol.Protocol, op protocol.OpKind, safe map[string]*candidate) bool {
	for i := range c.word {
		less := safe[newCandidate(base, op, without(c.word, i)).behaviour]
		if less != nil && less.leaves == c.leaves && (less.indirect || !c.indirect) && less.cheaper(c) {
			return true
		}
	}
	return false
}

// cheaper reports whether c costs no more than o on any number of sites.
func (c *candidate) cheaper(o *candidate) bool {
	for i, cost := range c.costs {
		if cost.Waits > o.costs[i].Waits || cost.Pokes > o.costs[i].Pokes {
			return false
		}
	}
	return true
}

// knownBehaviours names the behaviours of the built-in protocols and of those mutants
// that are safe edits of a protocol alone, and have no words that a search does not know.
func knownBehaviours(op protocol.OpKind) map[string]string {
	names := map[string]string{}
	add := func(p protocol.Protocol, name string) {
		if b := sumOf(p, op).behaviour; names[b] == "" {
			names[b] = name
		}
	}
	for _, p := range protocol.Protocols() {
		add(p, p.Name)
	}
	for _, m := range protocol.Zoo() {
		s, err := m.Apply(protocol.DefaultSubject())
		if err != nil || !m.Safe() || s.Protocol.NamesGraces() {
			continue
		}
		add(s.Protocol, m.Name) // that of trap-retry is the kernel's, who has its name already
	}
	return names
}

// count sums the verdicts up, and what was found.
func count(s *report.OpSearch, all []*candidate) {
	for _, f := range s.Found {
		if f.Spare {
			s.Spare++
		}
		if f.First {
			s.Classes++
		}
	}
	for _, c := range all {
		if c.verdict != "" {
			s.Judged++
		}
		switch c.verdict {
		case protocol.Violated:
			s.Refuted[c.property]++
		case protocol.Vacuous:
			s.Vacuous++
		case protocol.Bounded:
			s.Bounded++
		case protocol.Proved:
			s.Safe++
		}
	}
}
