package identity

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"tailpoke/jit"
)

// A book holds where things of the kernel lie, as learned from its images. An operand that is
// an address is not compared, for it cannot be foreseen; but all operands that mean one thing
// must give one address.
type book map[string]uint64

// agree learns an address, or checks it.
func (b book) agree(what string, addr uint64) error {
	if known, ok := b[what]; ok && known != addr {
		return fmt.Errorf("%s lies at %#x, and at %#x", what, known, addr)
	}
	b[what] = addr
	return nil
}

// adopt puts the addresses of the kernel's image into ours, once they are found to agree.
func (b book) adopt(img *jit.Image, r *readback) error {
	for _, ref := range img.Refs {
		f := 0
		for f+1 < len(img.Funcs) && img.Funcs[f+1].Off <= ref.Off {
			f++
		}
		k, at := r.funcs[f], int(ref.Off-img.Funcs[f].Off)
		ours := img.Code[ref.Off:][:ref.Size]
		theirs := k.code[at : at+ref.Size]
		end := k.addr + uint64(at+ref.Size) // where relative operands count from
		if err := b.check(img, ref, theirs, end); err != nil {
			return fmt.Errorf("%s: %w", img.Program.Place(ref.Insn), err)
		}
		if ref.Kind == jit.RefFunc {
			callee, _ := img.Program.Callee(ref.Insn)
			binary.LittleEndian.PutUint32(ours, uint32(r.funcs[callee].addr-end))
			continue
		}
		if ref.Kind != jit.RefFuncAddr && ref.Kind != jit.RefPrivateStack { // compiled with the right one
			copy(ours, theirs)
		}
	}
	return nil
}

// check compares one operand of the kernel's image with what is known.
func (b book) check(img *jit.Image, ref jit.Ref, theirs []byte, end uint64) error {
	ins := &img.Program.Insns[ref.Insn]
	relative := func() uint64 { return target(theirs, end) }
	switch ref.Kind {
	case jit.RefHelper:
		// The instruction says how far the function lies from a fixed point of the kernel.
		return b.agree("base of helpers", relative()-uint64(int64(int32(ins.Constant))))
	case jit.RefReturnThunk:
		return b.agree("return thunk", relative())
	case jit.RefJumpThunk:
		return b.agree("jump thunk", relative())
	case jit.RefPerCPU:
		return b.agree("per CPU offset", uint64(binary.LittleEndian.Uint32(theirs)))
	case jit.RefCallDepth:
		if img.Layout.CallDepth == jit.CallDepthAbsolute {
			return b.agree("call depth", uint64(binary.LittleEndian.Uint32(theirs)))
		}
		return b.agree("call depth", relative()+1) // a byte of the instruction follows
	case jit.RefMap:
		return b.agree("map "+jit.MapSymbol(ins), binary.LittleEndian.Uint64(theirs))
	case jit.RefMapValue:
		off := uint64(ins.Constant) >> 32
		return b.agree("values of map "+jit.MapSymbol(ins), binary.LittleEndian.Uint64(theirs)-off)
	}
	return nil
}

// target is where a displacement leads that counts from end.
func target(displacement []byte, end uint64) uint64 {
	return end + uint64(int64(int32(binary.LittleEndian.Uint32(displacement))))
}

// A verdict on one program.
type verdict struct {
	difference string // "" if the images are identical
	recovered  bool   // they are once what bpf(2) hides was read off the kernel's
}

// image compiles what was read back, with the addresses of the kernel's image in place, and says
// how the two differ.
func (k *Compiler) image(name string, r *readback, b book) (*jit.Image, verdict, error) {
	p, err := jit.ParseTranslated(name, r.insns)
	if err != nil {
		return nil, verdict{}, err
	}
	if len(p.Funcs) != len(r.funcs) {
		return nil, verdict{difference: fmt.Sprintf("%d functions, the kernel has %d\n", len(p.Funcs),
			len(r.funcs))}, nil
	}
	o := r.options(k)
	o.PrivateStacks = k.privateStacks(p, r)
	img, diff, err := b.differ(p, o, r)
	if err != nil || diff == "" {
		return img, verdict{difference: diff}, err
	}
	if err := r.recover(k, p, &o); err != nil {
		return nil, verdict{difference: err.Error() + "\n" + diff}, nil
	}
	if img, diff, err = b.differ(p, o, r); err != nil || diff != "" {
		return nil, verdict{difference: diff}, err
	}
	return img, verdict{recovered: true}, nil
}

// differ compiles and says how the two images differ.
func (b book) differ(p *jit.Program, o jit.Options, r *readback) (*jit.Image, string, error) {
	img, err := jit.Compile(p, o)
	if err != nil {
		return nil, "", err
	}
	if o.Layout.CallDepth != jit.CallDepthNone {
		if o.Uncounted, err = b.uncounted(img, r); err != nil {
			return nil, err.Error() + "\n" + sideBySide(img, r), nil
		}
		if img, err = jit.Compile(p, o); err != nil {
			return nil, "", err
		}
	}
	for f := range img.Funcs {
		if ours, theirs := int(img.Funcs[f].Size), len(r.funcs[f].code); ours != theirs {
			return nil, fmt.Sprintf("function %d has %d bytes, the kernel's %d\n%s", f, ours, theirs,
				sideBySide(img, r)), nil
		}
	}
	if err := b.adopt(img, r); err != nil {
		return nil, err.Error() + "\n" + sideBySide(img, r), nil
	}
	for f, fn := range img.Funcs {
		if !bytes.Equal(img.Code[fn.Off:][:fn.Size], r.funcs[f].code) {
			return nil, sideBySide(img, r), nil
		}
	}
	return img, "", nil
}

// sideBySide lists two images: ours on the left, the kernel's on the right, and a mark where
// they differ. From a function's first difference in length on, lines no longer correspond.
func sideBySide(img *jit.Image, r *readback) string {
	var b strings.Builder
	for f, fn := range img.Funcs {
		ours := disassemble(img.Code[fn.Off:][:fn.Size])
		theirs := disassemble(r.funcs[f].code)
		fmt.Fprintf(&b, "%s\n", fn.Name)
		for i := range max(len(ours), len(theirs)) {
			left, right := at(ours, i), at(theirs, i)
			mark := " "
			if left != right {
				mark = "|"
			}
			fmt.Fprintf(&b, "  %-64s %s %s\n", left, mark, right)
		}
	}
	return b.String()
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// disassemble lists code, an instruction a line: offset, bytes, text.
func disassemble(code []byte) []string {
	var lines []string
	for off := 0; off < len(code); {
		n, text := decode(code[off:])
		lines = append(lines, fmt.Sprintf("%4x: %-22x %s", off, code[off:off+n], text))
		off += n
	}
	return lines
}

// decode reads one instruction. The shifts of BMI2 are the only ones with a VEX prefix here,
// which x86asm does not know; they have five bytes.
func decode(code []byte) (size int, text string) {
	const vexSize = 5
	if code[0] == 0xc4 && len(code) >= vexSize {
		return vexSize, "shift by a register (BMI2)"
	}
	if bytes.HasPrefix(code, []byte(jit.Endbr64)) {
		return len(jit.Endbr64), "endbr64"
	}
	inst, err := x86asm.Decode(code, 64)
	if err != nil {
		return 1, "?"
	}
	return inst.Len, jit.SignDisplacements(x86asm.IntelSyntax(inst, 0, nil))
}
