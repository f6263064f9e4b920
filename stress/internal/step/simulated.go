package step

import (
	"encoding/binary"
	"slices"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/sim"
)

// Where package machine has things, and what it puts into registers and into the words above an
// execution's return address. It tells nobody, and a replay needs it: where an address of a witness
// is here, what a jump of a slot looks like there. If it changes there, no witness can be replayed.
const (
	simText   = 0x4000_0000
	simPage   = 0x1000
	simData   = 0x7000_0000_0000 // arrays and structs of programs, up to simStack
	simStack  = 0x7200_0000_0000
	simTop    = simStack + 64<<10
	simCtx    = 0x7300_0000_0000
	simReturn = 0x1234_5670
	callers   = 16                     // words above the return address
	simSP     = simTop - 8*callers - 8 // rsp at the entry
)

// simJunk is the value of register n when an execution begins; of word n of the caller, from the
// stack's top down, it is that of 100+n.
func simJunk(n int) uint64 { return 0xc0ffee_0000_0000 | uint64(n+1)<<12 }

// copiesOf is how many copies package machine loads of a program.
func copiesOf(c *sim.Config, program int) int {
	n := 0
	if slices.Contains(c.Held, program) {
		n = 1
	}
	switch {
	case c.Script == nil && c.MaxOps == 0:
		return n + sim.DefaultMaxOps
	case c.Script == nil:
		return n + c.MaxOps
	}
	for _, call := range c.Script {
		if call.Kind == protocol.Put && call.Prog == program {
			n++
		}
	}
	return n
}

// simulate finds where package machine has the images.
func (r *replay) simulate() {
	next := uint64(simText)
	for _, t := range r.texts {
		t.sim = next + r.simShift(t.Image)
		next = (t.sim + uint64(len(t.Image.Code)) + 2*simPage) &^ (simPage - 1)
	}
}

// simShift is how far behind the start of a page it has an image, for its slots' sake.
func (r *replay) simShift(img *jit.Image) uint64 {
	aligned := r.c.Subject.Method.Aligned()
	if !r.c.Straddle && !aligned {
		return 0
	}
	for shift := range uint64(8) {
		fits := true
		for _, s := range img.Sites {
			for _, slot := range s.Slots() {
				fits = fits && text.FitsWord(exec.Off(shift)+exec.Off(slot.Off))
			}
		}
		if fits != r.c.Straddle {
			return shift
		}
	}
	return 0 // no site at all
}

// addSites lists the sites whose keys change, with what their slots may hold here and there.
func (r *replay) addSites() {
	for _, t := range r.texts {
		for _, s := range t.Image.Sites {
			if !s.Direct || !slices.Contains(r.c.Keys, protocol.Key{Map: s.Map, Index: int(s.Key)}) {
				continue
			}
			x := site{text: t}
			for n, slot := range s.Slots() {
				at := &x.slots[n]
				at.off = t.off + exec.Off(slot.Off)
				at.wholes = []pair{{text.Nop, text.Nop}}
				sim := t.sim + uint64(slot.Off)
				if slot.Out != 0 {
					at.add(t.off+exec.Off(slot.Out), sim, t.sim+uint64(slot.Out))
					continue
				}
				for _, to := range r.texts {
					at.add(to.landing(), sim, to.sim+uint64(to.Image.AdjOff))
				}
			}
			r.sites = append(r.sites, x)
		}
	}
}

// add adds the jump that leads to an offset here; there it goes from one address to another.
func (s *slot) add(to exec.Off, simAt, simTo uint64) {
	p := pair{real: text.Jump(s.off, to)}
	p.sim = p.real
	binary.LittleEndian.PutUint32(p.sim[1:], uint32(simTo-simAt-text.Size))
	s.wholes = append(s.wholes, p)
}

// real is what bytes of the slot in package machine are here: a head, and the other bytes of an
// instruction. Memory never holds anything else.
func (s *slot) real(sim text.Insn) (text.Insn, bool) {
	for _, p := range s.wholes {
		if [text.Size - 1]byte(p.sim[1:]) == [text.Size - 1]byte(sim[1:]) {
			out := p.real
			out[0] = sim[0]
			return out, true
		}
	}
	return text.Insn{}, false
}

// whole says whether bytes are an instruction of the slot.
func (s *slot) whole(i text.Insn) bool {
	return slices.ContainsFunc(s.wholes, func(p pair) bool { return p.real == i })
}

// real translates a value that a thread has in package machine. It is false for addresses of structs,
// which are not followed.
func (t *thread) real(r *replay, v uint64) (uint64, bool) {
	for n, own := range t.entry {
		if v == simJunk(n) {
			return own, true
		}
	}
	for n := range callers {
		if v == simJunk(100+n) {
			return t.caller[callers-1-n], true
		}
	}
	switch {
	case v == simReturn:
		return t.ret, true
	case v >= simData && v < simStack:
		return 0, false
	case v >= simStack && v <= simTop:
		return v - simSP + t.entry[rsp], true
	case v >= simCtx && v <= simCtx+uint64(len(r.c.Ctx)):
		return v - simCtx + t.entry[rdi], true
	}
	for _, to := range r.texts {
		if v >= to.sim && v-to.sim < uint64(len(to.Image.Code)) {
			return v - to.sim + to.at, true
		}
	}
	return v, true
}
