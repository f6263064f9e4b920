package patcher

import (
	"fmt"
	"math"
	"sync/atomic"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
)

// Program is a loaded program.
type Program struct {
	Name  string
	Image *jit.Image

	off   exec.Off // of the image in the arena
	page  exec.Off // of the space that it was given
	size  int      // of that space
	desc  int      // its slot among the patcher's program structs
	pokes []*PokeDescriptor

	refs atomic.Int32 // keys and users that hold it; below 0 when it is gone
}

// dead is what refs becomes when the last holder lets the program go, so that nobody can
// take it again. No number of further drops brings it back.
const dead = math.MinInt32 / 2

// take holds the program for a key, unless it is gone.
func (prog *Program) take() bool {
	for {
		n := prog.refs.Load()
		if n < 0 {
			return false
		}
		if prog.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// drop lets the program go and reports whether it is gone with that: the caller sees to
// its memory.
func (prog *Program) drop() bool {
	return prog.refs.Add(-1) == 0 && prog.refs.CompareAndSwap(0, dead)
}

// PokeDescriptor is a direct site of a loaded program, named after the kernel's struct
// bpf_jit_poke_descriptor. Offsets are in the arena.
type PokeDescriptor struct {
	TailcallTarget exec.Off
	TailcallBypass exec.Off
	BypassAddr     exec.Off
	Array          *ProgArray
	Key            int

	stable atomic.Bool               // set by the fixup; before, pokes pass the descriptor by
	insns  [protocol.Slots]text.Insn // what the slots hold
	at     [protocol.Slots]exec.Off  // where they are
}

// descriptors makes the poke descriptors of a program's direct sites.
func (p *Patcher) descriptors(prog *Program) ([]*PokeDescriptor, error) {
	var out []*PokeDescriptor
	for _, s := range prog.Image.Sites {
		if !s.Direct {
			continue
		}
		a, ok := p.arrays[s.Map]
		if !ok {
			return nil, fmt.Errorf("site of unknown map %q", s.Map)
		}
		if int(s.Key) >= a.Keys() {
			return nil, fmt.Errorf("site of key %d: %s has %d keys", s.Key, s.Map, a.Keys())
		}
		d := &PokeDescriptor{
			TailcallTarget: prog.off + exec.Off(s.TailcallTarget),
			TailcallBypass: prog.off + exec.Off(s.TailcallBypass),
			BypassAddr:     prog.off + exec.Off(s.BypassAddr),
			Array:          a, Key: int(s.Key),
		}
		d.at = [protocol.Slots]exec.Off{d.TailcallBypass, d.TailcallTarget}
		d.insns = [protocol.Slots]text.Insn{text.Jump(d.TailcallBypass, d.BypassAddr), text.Nop}
		out = append(out, d)
	}
	return out, nil
}

// Addr returns the address of the program's entry.
func (p *Patcher) Addr(prog *Program) uint64 { return p.arena.Addr(prog.off) }

// landing is where a tail call enters the program.
func (prog *Program) landing() exec.Off { return prog.off + exec.Off(prog.Image.AdjOff) }

// Contains reports whether the offset lies in the program's image.
func (prog *Program) Contains(off exec.Off) bool {
	return off >= prog.off && int(off-prog.off) < len(prog.Image.Code)
}

// At returns the offset in the program's image of an offset in the arena.
func (prog *Program) At(off exec.Off) jit.Off { return jit.Off(off - prog.off) }

// Hold keeps the program loaded though no key holds it, as a user's file descriptor
// does.
func (prog *Program) Hold() { prog.refs.Add(1) }

// Gone reports whether the last holder has let the program go: its memory is freed, or
// will be, and it must be loaded anew before a key can hold it.
func (prog *Program) Gone() bool { return prog.refs.Load() < 0 }
