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

	// Between, if set, is called behind every sync of the method but a last one, while
	// the slot is half patched. It may delay, to widen the window; it must not poke.
	Between func()
}

// New returns a poker of the arena's text.
func New(a *exec.Arena, m protocol.Method) *Poker { return &Poker{arena: a, method: m} }

// Poke replaces the instruction old at off by next. It reports whether a byte changed:
// false with no error means that old and next are the same. A [*MismatchError] means
// that old was not there, whatever else was.
func (p *Poker) Poke(off exec.Off, old, next Insn) (changed bool, err error) {
	if p.method.Aligned() && !FitsWord(off) {
		return false, &AlignmentError{off}
	}
	exec.BeginPoke(p.arena.Addr(off), p.resume(off, old, next))
	defer exec.EndPoke()
	if got := p.read(off); got != old {
		return false, &MismatchError{off, old, got}
	}
	if old == next {
		return false, nil
	}
	p.run(off, next)
	return true, nil
}

func (p *Poker) read(off exec.Off) (i Insn) {
	p.arena.ReadInto(off, i[:])
	return i
}

// run carries the method's steps out: the stores between two syncs as one sequence.
func (p *Poker) run(off exec.Off, next Insn) {
	var buf [maxStores]exec.Store
	stores := buf[:0]
	for i, step := range p.method.Steps {
		if step != protocol.Sync {
			stores = p.stores(stores, step, off, next)
			continue
		}
		p.arena.StoreAll(stores)
		stores = stores[:0]
		exec.SyncCore()
		if p.Between != nil && i+1 < len(p.method.Steps) {
			p.Between()
		}
	}
	p.arena.StoreAll(stores)
}

// maxStores is how many stores a sequence has without growing: bytes byte by byte, and
// some more.
const maxStores = 8

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

// stores appends the stores of one step.
func (p *Poker) stores(to []exec.Store, k protocol.MicroKind, off exec.Off, next Insn) []exec.Store {
	switch k {
	case protocol.HeadInt3:
		return append(to, exec.Store{Off: off, Width: 1, Value: exec.Int3})
	case protocol.Tail:
		return append(to, exec.Store{Off: off + 1, Width: 4, Value: uint64(binary.LittleEndian.Uint32(next[1:]))})
	case protocol.HeadNew:
		return append(to, exec.Store{Off: off, Width: 1, Value: uint64(next[0])})
	case protocol.All:
		return append(to, p.wordStore(off, next))
	case protocol.Bytes:
		for i, b := range next {
			to = append(to, exec.Store{Off: off + exec.Off(i), Width: 1, Value: uint64(b)})
		}
		return to
	}
	panic(fmt.Sprintf("text: no method step %d", k))
}

// wordStore is the store of the instruction with the unchanged rest of its aligned word.
func (p *Poker) wordStore(off exec.Off, next Insn) exec.Store {
	word := off &^ 7
	var b [8]byte
	copy(b[:], p.arena.Read(word, 8))
	copy(b[off-word:], next[:])
	return exec.Store{Off: word, Width: 8, Value: binary.LittleEndian.Uint64(b[:])}
}
