package kernel

import (
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Coverage says how often each phase of each operation was read, in the order in which a poke
// method and a protocol make them; and what was read that is none. Whether that breaks anything is
// not for it to say: the model holds the trace against the protocol.
//
// A phase with a new jump counts only what was read while the watcher knew which program the
// operation gave.
func (w *Watch) Coverage(p protocol.Protocol, m protocol.Method) (phases []report.Phase, foreign []report.SlotsCount) {
	walk := walkPhases(p, m)
	for op := range protocol.OpKind(protocol.OpKinds) {
		for _, at := range walk.order[op] {
			b, t := at[protocol.Bypass], at[protocol.Target]
			phases = append(phases, report.Phase{
				Op: op.String(), Slots: []string{phaseWord(b), phaseWord(t)}, Seen: w.counts[b][t][op],
			})
		}
	}
	foreign = w.counts.pairs(func(b, t slotKind, column int) bool { return !walk.may[column][[protocol.Slots]slotKind{b, t}] })
	return phases, foreign
}

// phaseWord tells new jumps from others.
func phaseWord(k slotKind) string {
	if k == slotNew || k == slotTrapNew {
		return watchWords[k] + "-new"
	}
	return watchWords[k]
}

// A sitePair is what both slots hold.
type sitePair = [protocol.Slots]slotKind

// A phaseWalk goes the way that a protocol takes a site.
type phaseWalk struct {
	method protocol.Method
	op     protocol.OpKind
	slots  [protocol.Slots]struct{ head, tail slotKind } // by their instructions; slotTrapMixed: int3

	order [protocol.OpKinds][]sitePair            // by operation: the phases
	may   [protocol.OpKinds + 1]map[sitePair]bool // by column: all that may be read
}

// walkPhases goes through two cycles: a protocol need not leave a site as it was before the first
// install.
func walkPhases(p protocol.Protocol, m protocol.Method) *phaseWalk {
	w := &phaseWalk{method: m}
	for i := range w.may {
		w.may[i] = map[sitePair]bool{}
	}
	w.set(protocol.Bypass, slotOut)
	w.set(protocol.Target, slotNop)
	for range 2 {
		for w.op = range protocol.OpKind(protocol.OpKinds) {
			w.rest()
			for _, a := range p.Unroll(w.op, 1) {
				if a.Kind == protocol.Poke {
					w.poke(a.Slot, a.To)
				}
			}
		}
	}
	w.rest()
	return w
}

// set makes a slot hold a whole instruction.
func (w *phaseWalk) set(s protocol.Slot, k slotKind) { w.slots[s].head, w.slots[s].tail = k, k }

// rest is between two operations: what was given is no news any more.
func (w *phaseWalk) rest() {
	if w.slots[protocol.Target].tail == slotNew {
		w.set(protocol.Target, slotOld)
	}
	w.may[watchIdleColumn][w.pair()] = true
	w.mark()
}

// pair is what is read now.
func (w *phaseWalk) pair() (p sitePair) {
	for i, s := range w.slots {
		switch {
		case s.head == s.tail:
			p[i] = s.head
		case s.head != slotTrapMixed:
			p[i] = slotTorn
		default:
			p[i] = map[slotKind]slotKind{
				slotNop: slotTrapNop, slotOld: slotTrapOld, slotNew: slotTrapNew, slotOut: slotTrapOut,
			}[s.tail]
		}
	}
	return p
}

// mark notes that a site is read like this in the operation at hand.
func (w *phaseWalk) mark() {
	p := w.pair()
	if !w.may[w.op][p] {
		w.may[w.op][p] = true
		w.order[w.op] = append(w.order[w.op], p)
	}
}

// poke takes a slot to another content, step by step, unless it has it.
func (w *phaseWalk) poke(s protocol.Slot, to protocol.Content) {
	want := slotNop
	switch {
	case to == protocol.Jump && s == protocol.Bypass:
		want = slotOut
	case to == protocol.Jump && w.op.Gives():
		want = slotNew
	case to == protocol.Jump:
		want = slotOld
	}
	at := &w.slots[s]
	if at.head == want && at.tail == want {
		return
	}
	old := at.tail
	for _, step := range w.method.Steps {
		if !step.Sync {
			holds := map[protocol.Source]slotKind{
				protocol.FromNew: want, protocol.FromOld: old, protocol.FromTrap: slotTrapMixed,
			}[step.From]
			w.store(s, step, holds)
		}
		w.mark()
	}
}

// store makes a slot hold what one store of a poke method writes. Of a slot the watcher knows the
// first byte, and all others together.
func (w *phaseWalk) store(s protocol.Slot, step protocol.MicroStep, holds slotKind) {
	at := &w.slots[s]
	from, to := step.Span(len(slotBytes{}))
	if from == 0 {
		at.head = holds
	}
	if to == 1 {
		return
	}
	if !step.Single {
		if from == 0 {
			w.mark()
		}
		w.partly(s)
	}
	if from <= 1 && to == len(slotBytes{}) {
		at.tail = holds
	}
}

// partly allows that a tail is read partly written. That is seldom seen, so it is no phase.
func (w *phaseWalk) partly(s protocol.Slot) {
	p := w.pair()
	if p[s] = slotTorn; w.slots[s].head == slotTrapMixed {
		p[s] = slotTrapMixed
	}
	w.may[w.op][p] = true
}
