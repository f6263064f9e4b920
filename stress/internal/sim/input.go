package sim

import "tailpoke/patcher/protocol"

// An input is what a step of a thread depends on beside the thread itself. Two steps of equal
// locals with equal inputs have equal results.
type input uint64

const (
	inputBits = 56 // below: an index, or a number

	enters  input = iota << inputBits // begins an execution
	goes                              // goes on with an instruction that reads nothing shared
	fetches                           // executes an instruction of the slot at rip: see slot.wholes
	traps                             // fetches int3 at rip
	tears                             // fetches bytes there that are none: see slotState.seen
	emulate                           // the handler acts as an instruction: see slot.wholes
	retries                           // the handler runs the byte again
	loads                             // reads a pointer: the number of a text plus 1, or 0
)

func (in input) kind() input   { return in >> inputBits << inputBits }
func (in input) value() uint64 { return uint64(in) & (1<<inputBits - 1) }

// step carries one step of the thread out.
func (r *run) step(in input) (*fault, error) {
	t := r.t
	st := r.stop()
	r.checked = st.text
	switch in.kind() {
	case enters:
		t.enter(r.s)
	case traps:
		t.phase = trapped
		return nil, nil
	case retries:
		t.phase = running
		return nil, nil
	case fetches, emulate:
		t.phase = running
		if f := r.slot(st.slot, in.value()); f != nil {
			return f, nil
		}
	case loads:
		t.pointer = 0
		if v := in.value(); v != 0 {
			t.pointer = r.s.texts[v-1].structAt
		}
		text := r.s.texts[st.text]
		if f := r.one(&text.insns[t.RIP-text.at]); f != nil {
			return f, nil
		}
	}
	return r.on()
}

// slot executes the instruction w of a slot, which the thread has fetched, or as which the handler
// acts.
func (r *run) slot(n int, w uint64) *fault {
	at := &r.s.slots[n]
	do := &at.wholes[w]
	if do.breaks != "" && r.s.judged[do.breaks] {
		return faultf(do.breaks, "goes through %s", do.path)
	}
	from := r.t.RIP
	if f := r.one(&do.insn); f != nil || do.leads != protocol.ToProgram {
		return f
	}
	return r.jumped(from)
}
