package sim

import "tailpoke/patcher/protocol"

// An input is what a step of a thread depends on beside the thread itself. Two steps of equal
// locals with equal inputs have equal results.
type input uint64

const (
	inputBits = 56 // below: a content, or the number of a text

	enters  input = iota << inputBits // begins an execution
	goes                              // goes on with an instruction that reads nothing shared
	fetches                           // executes a content of the slot at rip
	traps                             // fetches int3 at rip
	emulate                           // the handler acts as a content
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
		if f := r.slot(st.slot, unpack(in.value())); f != nil {
			return f, nil
		}
	case loads:
		t.mem.pointer = 0
		if v := in.value(); v != 0 {
			t.mem.pointer = r.s.texts[v-1].structAt
		}
		text := r.s.texts[st.text]
		if f := r.one(&text.insns[t.rip-text.at]); f != nil {
			return f, nil
		}
	}
	return r.on()
}

// slot executes what a thread has fetched from a slot, or what the handler has answered.
func (r *run) slot(n int, c content) *fault {
	at := &r.s.slots[n]
	if !at.whole[c] {
		return faultf(protocol.NoTorn, "executes % x, which never was an instruction of this slot", c[:])
	}
	// The slot is reached by the open bypass alone: nothing else leads to the unwind.
	if at.which == protocol.Target && c == nop5 && r.s.judged[protocol.NeverA] {
		return faultf(protocol.NeverA, "passed the open bypass, took its frame off, and meets the cleared target")
	}
	i := decode(c[:])
	r.fetched = true
	f := r.one(&i)
	r.fetched = false
	return f
}
