package sim

import (
	"fmt"

	"tailpoke/patcher/protocol"
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
	// tailLimit is MAX_TAIL_CALL_CNT: more tail calls no execution may take.
	tailLimit = 33
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
	checked int  // the text that is known not to be freed, or -1
	count   int  // instructions executed
	fetched bool // the instruction at hand comes from a slot
}

// one executes a whole instruction, which the thread has fetched at its rip.
func (r *run) one(i *insn) *fault {
	r.count++
	from := r.t.rip
	if err := r.t.step(i); err != nil {
		return &fault{protocol.Registers, err.Error()}
	}
	// Jumps of bodies are relative, and may lead to where a tail call enters as well. Those of
	// slots are fetched from them.
	if i.op == opJmp && (i.src.in == inReg || r.fetched) {
		return r.jumped(from)
	}
	return nil
}

// jumped counts a tail call: a jump of a site to where a program is entered.
func (r *run) jumped(from uint64) *fault {
	to := r.s.textAt(r.t.rip)
	if to < 0 || r.t.rip != r.s.texts[to].landing() {
		return nil
	}
	// Counted up to one beyond the limit: further ones make no difference.
	if r.t.tails = min(r.t.tails+1, tailLimit+1); r.t.tails <= tailLimit || !r.s.judged[protocol.TailLimit] {
		return nil
	}
	return faultf(protocol.TailLimit, "tail call %d of one execution, from %s to %s", r.t.tails, r.s.where(from), r.s.where(r.t.rip))
}

// on executes what touches nothing shared, up to an instruction that does. That the thread
// returns and leaves its section is part of it: leaving holds nobody up.
func (r *run) on() (*fault, error) {
	for r.count <= runMax {
		if r.s.noMerge && r.count > 0 {
			return nil, nil
		}
		if r.t.rip == returnAt {
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
	return nil, &EndlessError{r.s.where(r.t.rip)}
}

// next returns the next instruction if it touches nothing shared; nil if it does.
func (r *run) next() (*insn, *fault) {
	in := r.s.textAt(r.t.rip)
	if in < 0 {
		return nil, faultf(protocol.Registers, "goes on at %#x, where there is no program", r.t.rip)
	}
	t := r.s.texts[in]
	off := r.t.rip - t.at
	i := &t.insns[off]
	switch {
	case i.op == opInvalid:
		return nil, faultf(protocol.NoTorn, "goes on at %s, where no instruction begins", r.s.where(r.t.rip))
	case t.slots[off] != 0 || t.freeable && in != r.checked:
		return nil, nil
	}
	if _, ok := r.shared(i); ok {
		return nil, nil
	}
	return i, nil
}

// shared finds the word of a prog array that an instruction reads.
func (r *run) shared(i *insn) (pointerOf, bool) {
	if !i.loads() {
		return pointerOf{}, false
	}
	w := i.w
	if i.op == opMovzx || i.op == opMovsx {
		w = i.from
	}
	return r.s.data.pointerAt(r.t.address(&i.mem, r.t.rip+uint64(i.size)), w)
}

// stop says where the thread stands.
func (r *run) stop() stop {
	t := r.t
	st := stop{phase: t.phase, text: -1, slot: -1}
	if t.phase == idle {
		return st
	}
	if st.text = r.s.textAt(t.rip); st.text < 0 {
		return st // about to leave
	}
	in := r.s.texts[st.text]
	off := t.rip - in.at
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
