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
	if r.t.tails <= TailLimit || !r.s.judged[protocol.TailLimit] {
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
			r.t.clear()
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
	return nil, &EndlessError{r.s.where(r.t.RIP)}
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
