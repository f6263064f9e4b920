package text

import (
	"encoding/binary"
	"fmt"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
)

// A Poker pokes one arena by one method. Pokes are serialised with each other and
// with all other pokes of the process.
type Poker struct {
	arena  *exec.Arena
	method protocol.Method

	// Between, if set, is called after every step of the method but the last, while
	// the slot is half patched. It may delay, to widen the window; it must not poke.
	Between func()
}

// New returns a poker of the arena's text.
func New(a *exec.Arena, m protocol.Method) *Poker { return &Poker{arena: a, method: m} }

// Poke replaces the instruction old at off by next. It reports whether a byte changed:
// false with no error means that next was there already. A [*MismatchError] means that
// neither was.
func (p *Poker) Poke(off exec.Off, old, next Insn) (changed bool, err error) {
	if p.method.Aligned() && !FitsWord(off) {
		return false, &AlignmentError{off}
	}
	exec.BeginPoke(p.arena.Addr(off), p.resume(off, old, next))
	defer exec.EndPoke()
	if got := Insn(p.arena.Read(off, Size)); got != old {
		return false, &MismatchError{off, old, got}
	}
	if old == next {
		return false, nil
	}
	for i, step := range p.method.Steps {
		if i > 0 && p.Between != nil {
			p.Between()
		}
		p.step(step, off, next)
	}
	return true, nil
}

// resume is where a thread goes on that traps during the poke; 0 runs the byte again.
func (p *Poker) resume(off exec.Off, old, next Insn) uint64 {
	switch p.method.Trap {
	case protocol.TrapNew:
		return p.arena.Addr(next.next(off))
	case protocol.TrapOld:
		return p.arena.Addr(old.next(off))
	default:
		return 0
	}
}

func (p *Poker) step(k protocol.MicroKind, off exec.Off, next Insn) {
	switch k {
	case protocol.HeadInt3:
		p.arena.Store1(off, exec.Int3)
	case protocol.Tail:
		p.arena.Store4(off+1, binary.LittleEndian.Uint32(next[1:]))
	case protocol.HeadNew:
		p.arena.Store1(off, next[0])
	case protocol.All:
		p.storeWord(off, next)
	case protocol.Bytes:
		for i, b := range next {
			p.arena.Store1(off+exec.Off(i), b)
		}
	case protocol.Sync:
		exec.SyncCore()
	default:
		panic(fmt.Sprintf("text: no method step %d", k))
	}
}

// storeWord writes the instruction and the unchanged rest of its aligned word in one
// store.
func (p *Poker) storeWord(off exec.Off, next Insn) {
	word := off &^ 7
	var b [8]byte
	copy(b[:], p.arena.Read(word, 8))
	copy(b[off-word:], next[:])
	p.arena.Store8(word, binary.LittleEndian.Uint64(b[:]))
}
