package identity

import (
	"bytes"
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// How the instruction begins that counts a call: sar qword ptr gs:[...], 5.
const (
	countAbsolute = "\x65\x48\xc1\x3c\x25"
	countRelative = "\x65\x48\xc1\x3d"
)

// probeCallDepth learns how calls are counted, from the call of a function of the program.
func (k *Compiler) probeCallDepth() error {
	code, err := k.probe(asm.Call.Label("sub"), asm.Return(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("sub"), asm.Return())
	if err != nil {
		return err
	}
	k.Layout.CallDepth = callDepth(code)
	return nil
}

// callDepth tells the form from the code of a function that calls one.
func callDepth(code []byte) jit.CallDepth {
	switch {
	case bytes.Contains(code, []byte(countAbsolute)):
		return jit.CallDepthAbsolute
	case bytes.Contains(code, []byte(countRelative)):
		return jit.CallDepthRelative
	}
	return jit.CallDepthNone
}

// A kernel that counts calls does not count those of all its functions: where a function is also
// called by the kernel itself, code of its own in front of it may count. bpf(2) does not show which
// these are. It is read off the images, like an address, and like addresses all images must agree.

// uncounted says which functions outside of the program, by the constants of the instructions
// that call them, the kernel calls without counting. img is the program as compiled with a count
// before each call, whose calls follow one another as in the kernel's image.
func (b book) uncounted(img *jit.Image, r *readback) (map[int32]bool, error) {
	counted := outsideCalls(r)
	without := map[int32]bool{}
	for _, ref := range img.Refs {
		if ref.Kind != jit.RefHelper {
			continue
		}
		if len(counted) == 0 {
			return nil, nil // not the kernel's program, which the images will show
		}
		distance, is := int32(img.Program.Insns[ref.Insn].Constant), counted[0]
		counted = counted[1:]
		yes := uint64(0)
		if is {
			yes = 1
		}
		if known, ok := b[countOf(distance)]; ok && known != yes {
			return nil, fmt.Errorf("insn %d (%v): calls of one function are counted, and are not",
				ref.Insn, img.Program.Insns[ref.Insn])
		}
		b[countOf(distance)] = yes
		if !is {
			without[distance] = true
		}
	}
	return without, nil
}

// countOf is under what a book has whether calls of a function are counted.
func countOf(distance int32) string { return fmt.Sprintf("count of calls of %+#x", distance) }

// outsideCalls says of each direct call in the kernel's image that leaves the program whether it is
// counted.
func outsideCalls(r *readback) (counted []bool) {
	const callSize, call = 5, 0xe8
	for _, f := range r.funcs {
		before := []byte(nil)
		for at := 0; at < len(f.code); at += len(before) {
			size, _ := decode(f.code[at:])
			ins := f.code[at : at+size]
			if size == callSize && ins[0] == call && !r.inside(target(ins[1:], f.addr+uint64(at+size))) {
				counted = append(counted, bytes.HasPrefix(before, []byte(countAbsolute)) ||
					bytes.HasPrefix(before, []byte(countRelative)))
			}
			before = ins
		}
	}
	return counted
}

// inside says whether a function of the program begins at an address.
func (r *readback) inside(addr uint64) bool {
	for _, f := range r.funcs {
		if f.addr == addr {
			return true
		}
	}
	return false
}
