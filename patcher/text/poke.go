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

	// Between, if set, is called after every sync of the method except a last step, while
	// the slot is half patched. It may delay, to widen the window; it must not poke.
	Between func()
}

// New returns a poker of the arena's text.
func New(a *exec.Arena, m protocol.Method) *Poker { return &Poker{arena: a, method: m} }

// Poke replaces the instruction old at off by next. It reports whether a byte changed:
// false with no error means that old and next are the same. A [*MismatchError] means
// that other bytes than old were there.
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
	p.run(off, old, next)
	return true, nil
}

func (p *Poker) read(off exec.Off) (i Insn) {
	p.arena.ReadInto(off, i[:])
	return i
}

// run carries the method's steps out: the stores between two syncs as one sequence.
func (p *Poker) run(off exec.Off, old, next Insn) {
	var buf [maxStores]exec.Store
	stores := buf[:0]
	for i, step := range p.method.Steps {
		if !step.Sync {
			stores = p.stores(stores, step, off, old, next)
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

// resume is where a thread goes on that trapped during the poke; 0 runs the byte again.
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

// stores appends the stores of one step. What other CPUs may see in parts is written byte by byte.
func (p *Poker) stores(
	to []exec.Store, m protocol.MicroStep, off exec.Off, old, next Insn,
) []exec.Store {
	var buf [Size]byte
	from, _ := m.Span(Size)
	b := m.Bytes(buf[:0], old[:], next[:])
	off += exec.Off(from)
	if m.Single && len(b) > 1 {
		return append(to, p.wordStore(to, off, b))
	}
	for i := range b {
		to = append(to, exec.Store{Off: off + exec.Off(i), Width: 1, Value: uint64(b[i])})
	}
	return to
}

// wordStore is the store of some bytes with the rest of their aligned word, as earlier stores of the
// sequence leave it: these are made with it.
func (p *Poker) wordStore(earlier []exec.Store, off exec.Off, b []byte) exec.Store {
	at := off &^ 7
	var word [8]byte
	p.arena.ReadInto(at, word[:])
	for _, s := range earlier {
		for i := range exec.Off(s.Width) {
			if in := s.Off + i - at; in < 8 { // one before the word wraps around
				word[in] = byte(s.Value >> (8 * i))
			}
		}
	}
	copy(word[off-at:], b)
	return exec.Store{Off: at, Width: 8, Value: binary.LittleEndian.Uint64(word[:])}
}

// Size is the size of a patched instruction in bytes.
const Size = 5

// Insn is the machine code of a slot: one whole 5-byte instruction.
type Insn [Size]byte

// Nop is the 5-byte nop, nop dword [rax+rax+0].
var Nop = Insn{0x0f, 0x1f, 0x44, 0x00, 0x00}

const opJump = 0xe9

// Jump returns jmp rel32 at offset at to offset to of the same arena.
func Jump(at, to exec.Off) Insn {
	i := Insn{opJump}
	binary.LittleEndian.PutUint32(i[1:], uint32(to)-uint32(at)-Size)
	return i
}

// next returns where execution goes on after the instruction at offset at.
func (i Insn) next(at exec.Off) exec.Off {
	if i[0] == opJump {
		return at + Size + exec.Off(binary.LittleEndian.Uint32(i[1:]))
	}
	return at + Size
}

// String returns the bytes in hexadecimal.
func (i Insn) String() string { return fmt.Sprintf("% x", i[:]) }

// MismatchError says that a poke found other bytes than it expected, and wrote none
// (the kernel's -EBUSY).
type MismatchError struct {
	Off       exec.Off
	Want, Got Insn
}

// Error names the place and both instructions.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("text at %#x: expected %v, found %v", uint32(e.Off), e.Want, e.Got)
}

// AlignmentError says that a slot does not lie in one aligned 8-byte word, so that no
// single store can replace it atomically.
type AlignmentError struct{ Off exec.Off }

// Error names the place.
func (e *AlignmentError) Error() string {
	const what = "5 bytes that cross an aligned 8-byte word cannot be written in one store"
	return fmt.Sprintf("text at %#x: %s", uint32(e.Off), what)
}

// FitsWord reports whether a slot at off lies in one aligned 8-byte word.
func FitsWord(off exec.Off) bool { return off%8 <= 8-Size }
