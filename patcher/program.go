package patcher

import (
	"fmt"
	"math"
	"sync/atomic"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
)

// Program is a loaded program.
type Program struct {
	Name  string
	Image *Image

	off   exec.Off // of the image in the arena
	page  exec.Off // of the space that it was given
	size  int      // of that space
	desc  int      // its slot among the patcher's program structs
	pokes []*pokeDescriptor

	refs atomic.Int32 // keys and users that hold it; below 0 when it is gone
}

// dead is what refs becomes when the last holder lets the program go, so that it cannot
// be taken again. No number of further drops brings it back.
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

// pokeDescriptor is a site of a loaded program, named after the kernel's struct
// bpf_jit_poke_descriptor.
type pokeDescriptor struct {
	prog  *Program
	site  *Site
	array *ProgArray

	stable atomic.Bool               // set by the fixup; before, pokes pass the descriptor by
	insns  [protocol.Slots]text.Insn // what the slots hold
}

// descriptors makes the poke descriptors of a program's sites.
func (p *Patcher) descriptors(prog *Program) ([]*pokeDescriptor, error) {
	var out []*pokeDescriptor
	for i := range prog.Image.Sites {
		s := &prog.Image.Sites[i]
		a := p.array(s.Array)
		if a == nil {
			return nil, fmt.Errorf("site of unknown map %q", s.Array)
		}
		if s.Key < 0 || s.Key >= a.Keys() {
			return nil, fmt.Errorf("site of key %d: %s has %d keys", s.Key, s.Array, a.Keys())
		}
		d := &pokeDescriptor{prog: prog, site: s, array: a}
		for n := range d.insns {
			d.insns[n] = s.Slots[n].empty(prog.off, p.cfg.Nop)
		}
		out = append(out, d)
	}
	return out, nil
}

// array is the prog array of that name, or nil.
func (p *Patcher) array(name string) *ProgArray {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.arrays[name]
}

// at is where a slot lies in the arena.
func (d *pokeDescriptor) at(s protocol.Slot) exec.Off {
	return d.prog.off + exec.Off(d.site.Slots[s].Off)
}

// jump is a slot's jump, which leads to prog if the slot follows the key.
func (d *pokeDescriptor) jump(s protocol.Slot, prog *Program) text.Insn {
	if out := d.site.Slots[s].Out; out != 0 {
		return text.Jump(d.at(s), d.prog.off+exec.Off(out))
	}
	return text.Jump(d.at(s), prog.landing())
}

// Addr returns the address of the program's entry.
func (p *Patcher) Addr(prog *Program) uint64 { return p.arena.Addr(prog.off) }

// landing is where a tail call enters the program.
func (prog *Program) landing() exec.Off { return prog.off + exec.Off(prog.Image.Landing) }

// Contains reports whether the offset lies in the program's image.
func (prog *Program) Contains(off exec.Off) bool {
	return off >= prog.off && int(off-prog.off) < len(prog.Image.Code)
}

// At returns the offset in the program's image of an offset in the arena.
func (prog *Program) At(off exec.Off) Off { return Off(off - prog.off) }

// Hold keeps the program loaded though no key holds it, as a user's file descriptor
// does.
func (prog *Program) Hold() { prog.refs.Add(1) }

// Gone reports whether the last holder has let the program go: its memory is freed, or
// will be, and it must be loaded anew before a key can hold it.
func (prog *Program) Gone() bool { return prog.refs.Load() < 0 }
