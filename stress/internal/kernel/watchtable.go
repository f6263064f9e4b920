package kernel

import (
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Watch is what the watcher saw, with what [Watch.Coverage] needs of it.
type Watch struct {
	report.Watch
	counts watchCounts
	events uint64       // of the mutator's, in the trace
	wrong  []watchWrong // what the findings are about
}

// maxWatchFindings is how many are kept.
const maxWatchFindings = 16

// A slotKind is what a slot holds, as it is counted: programs are those that an operation in
// progress gives to the site's key, and others.
type slotKind uint8

// The kinds, in the order in which an install takes a target through them, and back a bypass.
const (
	slotNop slotKind = iota
	slotTrapNop
	slotTrapOld
	slotTrapNew
	slotTrapOut
	slotOld
	slotNew
	slotOut
	slotTrapMixed
	slotTorn
	slotWrong
	slotKinds

	slotNone = slotKinds // not read
)

// watchWords are the words of the kinds in the table.
var watchWords = [slotKinds]string{
	slotNop: "nop", slotTrapNop: "int3-nop", slotTrapOld: "int3-jump", slotTrapNew: "int3-jump", slotTrapOut: "int3-out",
	slotOld: "jump", slotNew: "jump", slotOut: "jump-out",
	slotTrapMixed: "int3-mixed", slotTorn: "torn", slotWrong: "wrong",
}

// kindOf is the kind of what was read in a slot while an operation gives a program.
func kindOf(r slotReading, given int) slotKind {
	byTail := func(nop, out, older, newer slotKind) slotKind {
		switch {
		case r.raw.Tail == protocol.NopTail:
			return nop
		case r.raw.Tail == protocol.OutTail:
			return out
		case r.raw.Tail == protocol.MixedTail:
			return slotTrapMixed
		case r.raw.Tail == protocol.AnyTail:
			return slotNone
		case r.raw.Tail == given:
			return newer
		}
		return older
	}
	switch {
	case r.wrong:
		return slotWrong
	case r.raw.Head == protocol.HeadNop:
		return slotNop
	case r.raw.Head == protocol.HeadJump:
		return byTail(slotNone, slotOut, slotOld, slotNew)
	case r.raw.Head == protocol.HeadTrap:
		return byTail(slotTrapNop, slotTrapOut, slotTrapOld, slotTrapNew)
	case r.raw.Head == protocol.HeadTorn:
		return slotTorn
	}
	return slotNone
}

// watchCounts counts pairs by bypass, target, and operation; the last column is for none.
type watchCounts [slotKinds][slotKinds][protocol.OpKinds + 1]uint64

// watchIdleColumn counts what was read while no operation of the site's key was in progress.
const watchIdleColumn = protocol.OpKinds

// pairs lists what was counted of pairs that are wanted, a site's way through an install first.
func (c *watchCounts) pairs(wanted func(bypass, target slotKind, column int) bool) []report.SlotsCount {
	var out []report.SlotsCount
	for b := slotKinds; b > 0; b-- {
		for t := range slotKinds {
			p := pairCount(b-1, t)
			columns := [...]*uint64{&p.Install, &p.Update, &p.Remove, &p.Idle}
			sum := uint64(0)
			for i, column := range columns {
				if n := c[b-1][t][i]; n > 0 && wanted(b-1, t, i) {
					*column = n
					sum += n
				}
			}
			if sum > 0 {
				out = addPair(out, p)
			}
		}
	}
	return out
}

// addPair adds to a pair of the same words, if there is one.
func addPair(to []report.SlotsCount, p report.SlotsCount) []report.SlotsCount {
	for i := range to {
		if q := &to[i]; slices.Equal(q.Slots, p.Slots) {
			q.Install += p.Install
			q.Update += p.Update
			q.Remove += p.Remove
			q.Idle += p.Idle
			return to
		}
	}
	return append(to, p)
}

// pairCount is a pair that was never seen.
func pairCount(bypass, target slotKind) report.SlotsCount {
	p := report.SlotsCount{Slots: []string{watchWords[bypass], watchWords[target]}}
	if b, ok := contentOf(bypass); ok {
		if t, ok := contentOf(target); ok {
			p.State = protocol.StateOf(b, t).String()
		}
	}
	return p
}

// contentOf is the whole instruction that a slot holds, if it does.
func contentOf(k slotKind) (c protocol.Content, ok bool) {
	switch k {
	case slotNop:
		return protocol.Nop, true
	case slotOld, slotNew, slotOut:
		return protocol.Jump, true
	}
	return 0, false
}

// everyPair wants all.
func everyPair(slotKind, slotKind, int) bool { return true }

// count counts what was read of a site.
func (w *watcher) count(m *watched, s *watchSite) {
	column, given := watchIdleColumn, protocol.AnyProg
	if s.key == w.busy {
		column, given = int(w.op), w.given
	}
	var kinds [protocol.Slots]slotKind
	for i := range s.slots {
		r := s.slots[i].now
		if kinds[i] = kindOf(r, given); r.wrong {
			w.result.found(m, s, protocol.Slot(i))
		}
	}
	if kinds[protocol.Bypass] == slotNone || kinds[protocol.Target] == slotNone {
		w.result.Unsteady++
		return
	}
	w.result.counts[kinds[protocol.Bypass]][kinds[protocol.Target]][column]++
}

// A watchWrong is what a finding is about.
type watchWrong struct {
	site  *watchSite
	slot  protocol.Slot
	bytes slotBytes
}

// found keeps a finding.
func (w *Watch) found(m *watched, s *watchSite, slot protocol.Slot) {
	at := &s.slots[slot]
	wrong := watchWrong{s, slot, at.bytes}
	for i, known := range w.wrong {
		if known == wrong {
			w.Findings[i].Count++
			return
		}
	}
	if len(w.Findings) == maxWatchFindings {
		w.MoreFindings++
		return
	}
	w.wrong = append(w.wrong, wrong)
	w.Findings = append(w.Findings, report.WatchFinding{
		Text: fmt.Sprintf("the %v of site %d of %s %s", slot, s.index, m.name, at.complain(at.bytes)), Count: 1, Source: s.source,
	})
}
