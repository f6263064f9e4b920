package identity

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// recover puts into options what the verifier decided and bpf(2) does not show: how deep each
// function's stack is, whether it is a private one, whether the function keeps the counter of tail
// calls, and which tail calls are direct. Our own analysis finds the same where constants and
// addresses follow from the instructions alone; where the verifier knew more (what a comparison
// says of a key, how far a variable offset reaches, a tail call in code that was removed), it is
// read off the image.
func (r *readback) recover(k *Compiler, p *jit.Program, o *jit.Options) error {
	o.PrivateStacks = nil
	for _, f := range r.funcs {
		o.StackDepths = append(o.StackDepths, stackDepth(k, f.code))
		o.TailCallReachable = append(o.TailCallReachable, keepsCounter(k, f.code))
		o.PrivateStacks = append(o.PrivateStacks, privateStack(k, f.code))
		o.Direct = append(o.Direct, sites(k, f.code)...)
	}
	if len(o.Direct) != len(p.TailCalls) {
		return errors.New("image has other tail calls than the program")
	}
	return nil
}

// subRSP is the opcode of sub rsp, imm32.
var subRSP = []byte{0x48, 0x81, 0xec}

// landing is the code from where tail calls enter, after the endbr64 there.
func landing(k *Compiler, code []byte) []byte {
	return bytes.TrimPrefix(code[min(int(k.Layout.AdjOff), len(code)):], []byte(jit.Endbr64))
}

// stackDepth is by how much a function lowers rsp, right where tail calls enter.
func stackDepth(k *Compiler, code []byte) int {
	sub, ok := bytes.CutPrefix(landing(k, code), subRSP)
	if !ok || len(sub) < 4 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(sub))
}

// keepsCounter says whether a function pushes the counter of tail calls next.
func keepsCounter(k *Compiler, code []byte) bool {
	code = landing(k, code)
	if bytes.HasPrefix(code, subRSP) {
		code = code[min(len(subRSP)+4, len(code)):]
	}
	if k.Layout.Counter.Calls == jit.CounterByValue {
		return bytes.HasPrefix(code, []byte{0x50}) // push rax
	}
	return bytes.HasPrefix(code, []byte{0x50, 0x50}) || // push rax; push rax
		bytes.HasPrefix(code, []byte{0x48, 0x83, 0xf8, byte(k.Layout.Counter.Limit)}) // cmp rax, limit
}

// sites finds the tail calls of a function, and says which are direct. The instructions it
// looks for stand nowhere else: no other code compares with memory.
func sites(k *Compiler, code []byte) []bool {
	var direct []bool
	indirect := false
	for off := 0; off < len(code); {
		size, _ := decode(code[off:])
		switch ins := code[off : off+size]; {
		case bytes.HasPrefix(ins, []byte{0x39, 0x56}): // cmp [rsi+max_entries], edx
			indirect = true
		case k.testsCounter(ins, code[off+size:]):
			direct = append(direct, !indirect)
			indirect = false
		}
		off += size
	}
	return direct
}

// testsCounter says whether an instruction, with what follows, is that which finds out whether a tail
// call is left.
func (k *Compiler) testsCounter(ins, rest []byte) bool {
	if k.Layout.Counter.Calls == jit.CounterByValue { // mov eax, [rbp-x]; cmp eax, limit
		return bytes.HasPrefix(ins, []byte{0x8b, 0x85}) && bytes.HasPrefix(rest, []byte{0x83, 0xf8})
	}
	return bytes.Equal(ins, []byte{0x48, 0x83, 0x38, byte(k.Layout.Counter.Limit)}) // cmp [rax], limit
}

// Since 6.13 the kernel gives functions of some programs a private stack: of those that may
// interrupt another program anywhere, where a deep stack would go on top of deep ones. Which
// functions is foretold here, by the kernel's own rule, as bpf(2) does not show it. Where the
// stacks lie is read off the images: such an address cannot be foreseen, as no address can.

// interrupts says whether programs of a kind may run on top of others, so that their functions
// get private stacks. A program of struct_ops gets them if its subsystem asks, which bpf(2) does
// not show: that is recovered.
func interrupts(p *ebpf.ProgramSpec) bool {
	switch p.Type {
	case ebpf.Kprobe, ebpf.TracePoint, ebpf.PerfEvent, ebpf.RawTracepoint:
		return true
	case ebpf.Tracing:
		return p.AttachType != ebpf.AttachTraceIter
	case ebpf.LSM:
		return p.AttachType != ebpf.AttachLSMCgroup
	}
	return false
}

// privateStacks foretells which functions have a private stack.
func (k *Compiler) privateStacks(p *jit.Program, r *readback) []uint64 {
	if k.PrivateStackMin == 0 || !r.interrupts || len(p.TailCalls) > 0 {
		return nil
	}
	ends := make([]uint64, len(p.Funcs))
	for f, fn := range p.Funcs {
		if fn.StackDepth < k.PrivateStackMin {
			continue
		}
		if ends[f] = privateStack(k, r.funcs[f].code); ends[f] == 0 {
			ends[f] = someAddr // it has none, which will show
		}
	}
	return ends
}

// privateStack is where the private stack of a function ends, or 0 if it has none. The prologue
// says it, after the pushes.
func privateStack(k *Compiler, code []byte) uint64 {
	for code = landing(k, code); len(code) > 0; {
		size, _ := decode(code)
		ins, rest := code[:size], code[size:]
		if bytes.HasPrefix(rest, []byte{0x65, 0x4c, 0x03, 0x0c, 0x25}) { // add r9, gs:[this_cpu_off]
			return movedToR9(ins)
		}
		if !isPush(ins) {
			return 0
		}
		code = rest
	}
	return 0
}

// isPush says whether an instruction pushes a register that calls leave alone.
func isPush(ins []byte) bool {
	pushes := []string{"\x53", "\x41\x55", "\x41\x56", "\x41\x57"} // rbx, r13, r14, r15
	return slices.Contains(pushes, string(ins))
}

// movedToR9 is the constant that an instruction moves to r9.
func movedToR9(ins []byte) uint64 {
	switch {
	case bytes.HasPrefix(ins, []byte{0x49, 0xb9}) && len(ins) == 10: // mov r9, imm64
		return binary.LittleEndian.Uint64(ins[2:])
	case bytes.HasPrefix(ins, []byte{0x41, 0xb9}) && len(ins) == 6: // mov r9d, imm32
		return uint64(binary.LittleEndian.Uint32(ins[2:]))
	case bytes.HasPrefix(ins, []byte{0x49, 0xc7, 0xc1}) && len(ins) == 7: // mov r9, simm32
		return uint64(int64(int32(binary.LittleEndian.Uint32(ins[3:]))))
	}
	return 0
}

// probePrivateStack learns from how deep a stack on functions have a private one: a depth is
// rounded up to 16, so that a byte more than a multiple of it is where that may begin. A kernel
// that has no private stacks, or none of the programs that get them, is left at 0.
func (k *Compiler) probePrivateStack() error {
	const most, step = jit.MaxStack, 16
	for depth := 1; depth < most; depth += step {
		r, err := k.make(ebpf.RawTracepoint, asm.Instructions{
			{OpCode: asm.StoreImmOp(asm.Byte), Dst: asm.R10, Offset: int16(-depth)},
			asm.Mov.Imm(asm.R0, 0), asm.Return(),
		})
		if err != nil {
			return nil
		}
		if privateStack(k, r.funcs[0].code) != 0 {
			k.PrivateStackMin = depth
			return nil
		}
	}
	return nil
}

// unsupported says what the kernel's image has that package jit does not make, or "". Only
// instructions that jit never emits tell it.
func (r *readback) unsupported() string {
	reason := ""
	for _, f := range r.funcs {
		for code := f.code; len(code) > 0; {
			size, _ := decode(code)
			switch ins := code[:size]; {
			case bytes.Equal(ins, []byte{0x4d, 0x29, 0xd3}): // sub r11, r10
				return "a load that may fault: the kernel checks its address"
			case bytes.HasPrefix(ins, []byte{0x49, 0xbc}): // mov r12, imm64
				return "an arena: r12 holds its base"
			case bytes.Equal(ins, []byte{0x41, 0x54}): // push r12
				reason = "exceptions: all registers are pushed, to be found when one is thrown"
			}
			code = code[size:]
		}
	}
	return reason
}
