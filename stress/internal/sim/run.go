package sim

import (
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/sim/x86"
)

// A fault is a property that a step breaks, and how.
type fault struct {
	property protocol.Property
	text     string
}

func faultf(p protocol.Property, format string, args ...any) *fault {
	return &fault{p, fmt.Sprintf(format, args...)}
}

const (
	// TailLimit is MAX_TAIL_CALL_CNT: no execution may take more tail calls.
	TailLimit = 33
	// runMax bounds the instructions of a step: what runs longer loops for ever.
	runMax = 1 << 20
)

// EndlessError says that a thread executes without ever touching anything that is shared.
type EndlessError struct{ Where string }

// Error says where.
func (e *EndlessError) Error() string {
	return "a thread loops for ever at " + e.Where
}

// run is the execution of one step of a thread.
type run struct {
	s       *system
	t       *thread
	checked int // the text that is known not to be freed, or -1
	count   int // instructions executed
}

// one executes a whole instruction, which the thread has fetched at its rip. A jump to a register
// may be a tail call. Jumps of slots may be too: the caller counts them. All other jumps are of
// bodies, and are no tail calls even where they lead to the same place.
func (r *run) one(i *x86.Insn) *fault {
	r.count++
	from := r.t.RIP
	if err := r.t.Step(i); err != nil {
		return &fault{protocol.Registers, err.Error()}
	}
	if i.JumpsToReg() {
		return r.jumped(from)
	}
	return nil
}

// jumped counts a tail call, if the jump of a site leads to where a program is entered.
func (r *run) jumped(from uint64) *fault {
	to := r.s.textAt(r.t.RIP)
	if to < 0 || r.t.RIP != r.s.texts[to].landing() {
		return nil
	}
	// Counted up to one beyond the limit: further ones make no difference.
	r.t.tails = min(r.t.tails+1, TailLimit+1)
	if r.t.tails <= TailLimit || !r.s.judges(protocol.TailLimit) {
		return nil
	}
	return faultf(protocol.TailLimit, "tail call %d of one execution, from %s to %s",
		r.t.tails, r.s.where(from), r.s.where(r.t.RIP))
}

// on executes what touches nothing shared, up to an instruction that does. That the thread
// returns and leaves its section is part of it: a thread that leaves holds up no wait.
func (r *run) on() (*fault, error) {
	for r.count <= runMax {
		if r.s.NoMerge && r.count > 0 {
			return nil, nil
		}
		if r.t.RIP == returnAt {
			text := r.t.broken(r.s)
			r.t.phase, r.t.Flags, r.t.tails = idle, 0, 0
			if text != "" {
				return &fault{protocol.Registers, text}, nil
			}
			return nil, nil
		}
		i, f := r.next()
		if f != nil || i == nil {
			return f, nil
		}
		if f := r.one(i); f != nil {
			return f, nil
		}
	}
	return nil, &EndlessError{r.s.standing(r.t.RIP).Source.Behind(r.s.where(r.t.RIP))}
}

// next returns the next instruction if it touches nothing shared; nil if it does.
func (r *run) next() (*x86.Insn, *fault) {
	in := r.s.textAt(r.t.RIP)
	if in < 0 {
		return nil, faultf(protocol.Registers, "goes on at %#x, where there is no program", r.t.RIP)
	}
	t := r.s.texts[in]
	off := r.t.RIP - t.at
	i := &t.insns[off]
	switch {
	case !i.Valid():
		at := r.s.where(r.t.RIP)
		return nil, faultf(protocol.NoTorn, "goes on at %s, where no instruction begins", at)
	case t.slots[off] != 0 || t.freeable && in != r.checked:
		return nil, nil
	}
	if _, ok := r.shared(i); ok {
		return nil, nil
	}
	return i, nil
}

// shared finds the word of a prog array that an instruction reads.
func (r *run) shared(i *x86.Insn) (pointerOf, bool) {
	at, n, ok := r.t.Loads(i)
	if !ok {
		return pointerOf{}, false
	}
	return r.s.data.pointerAt(at, n)
}

// stop says where the thread stands.
func (r *run) stop() stop {
	t := r.t
	st := stop{phase: t.phase, text: -1, slot: -1}
	if t.phase == idle {
		return st
	}
	if st.text = r.s.textAt(t.RIP); st.text < 0 {
		return st // about to leave
	}
	in := r.s.texts[st.text]
	off := t.RIP - in.at
	st.slot = int(in.slots[off]) - 1
	if st.slot < 0 {
		st.loaded, st.loads = r.shared(&in.insns[off])
	}
	return st
}

// where names an address.
func (s *system) where(at uint64) string {
	if i := s.textAt(at); i >= 0 {
		return fmt.Sprintf("%s+%#x", s.texts[i].name, at-s.texts[i].at)
	}
	return fmt.Sprintf("%#x", at)
}

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
	if do.breaks != "" && r.s.judges(do.breaks) {
		return faultf(do.breaks, "goes through %s", do.path)
	}
	from := r.t.RIP
	if f := r.one(&do.insn); f != nil || do.leads != protocol.ToProgram {
		return f
	}
	return r.jumped(from)
}
