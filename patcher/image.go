package patcher

import (
	"encoding/binary"
	"fmt"
	"math"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
)

// Off is an offset in an [Image], in bytes.
type Off uint32

// Image is the machine code of a program, of any compiler. It may lie anywhere in an arena: what
// depends on the place, Refs says. Threads enter it at its first byte, tail calls at Landing.
//
// Load does not change an image; one image may be loaded many times.
type Image struct {
	Code    []byte
	Starts  []Off // where its instructions begin: there freed code becomes int3 first
	Landing Off
	Sites   []Site // in the order of their descriptors
	Refs    []Ref
}

// Site is a tail call whose slots are patched when its key changes. Code has it as for an empty
// key: a jump in the slots that have an Out, a nop in the others.
type Site struct {
	Array string
	Key   int
	Slots [protocol.Slots]Slot // in the order of their addresses
}

// Slot is one instruction of a site that is patched, of [text.Size] bytes.
type Slot struct {
	Off Off
	Out Off // where its jump leads; 0: to the landing of the program that the key holds
}

// Ref is the four byte operand of a call or a jump that leads out of the image.
type Ref struct {
	Off    Off // of the operand, which is also the last of its instruction
	Symbol string
}

// refSize is the size of the operand of a [Ref].
const refSize = 4

// check refuses an image that says of a part that it lies beyond the end.
func (img *Image) check() (err error) {
	within := func(what string, off Off, size int) {
		if err == nil && int(off)+size > len(img.Code) {
			err = fmt.Errorf("%s at +%#x: the image has %d bytes", what, uint32(off), len(img.Code))
		}
	}
	within("landing", img.Landing, 1)
	for _, s := range img.Starts {
		within("instruction", s, 1)
	}
	for _, s := range img.Sites {
		for _, slot := range s.Slots {
			within("slot", slot.Off, text.Size)
			within("jump of a slot", slot.Out, 1)
		}
	}
	for _, r := range img.Refs {
		within("reference to "+r.Symbol, r.Off, refSize)
	}
	return err
}

// link gives the code as it is to lie at an address. symbol gives the addresses of symbols, 0 if
// there is no such symbol.
func (img *Image) link(at uint64, symbol func(string) uint64) ([]byte, error) {
	code := append([]byte(nil), img.Code...)
	for _, r := range img.Refs {
		to := symbol(r.Symbol)
		if to == 0 {
			return nil, fmt.Errorf("+%#x refers to %s, which is not there", uint32(r.Off), r.Symbol)
		}
		rel := int64(to - (at + uint64(r.Off) + refSize))
		if rel < math.MinInt32 || rel > math.MaxInt32 {
			return nil, fmt.Errorf("+%#x refers to %s, which is %+#x bytes away",
				uint32(r.Off), r.Symbol, rel)
		}
		binary.LittleEndian.PutUint32(code[r.Off:], uint32(rel))
	}
	return code, nil
}

// empty is what a slot holds while its key is empty; the image begins at an offset of the arena.
func (s *Slot) empty(base exec.Off, nop text.Insn) text.Insn {
	if s.Out == 0 {
		return nop
	}
	return text.Jump(base+exec.Off(s.Off), base+exec.Off(s.Out))
}
