package jit

import (
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

// emitHelper calls a helper. Looking something up in an array is no call but the instructions
// that a verifier puts in its place.
func (e *emitter) emitHelper(i int) {
	if !e.p.Translated {
		c := e.p.helperCall(i)
		if m := e.o.Maps[c.Map]; c.Helper == MapLookupElem && m.Stride != 0 {
			e.emitLookup(m)
			return
		}
	}
	e.callHelper()
}

// callHelper calls what lies outside of the image.
func (e *emitter) callHelper() {
	if e.l.ReloadsForHelpers {
		e.emitReload()
	}
	e.Call(0) // call helper
	e.refer(RefHelper, 4)
	e.refs[len(e.refs)-1].Helper, _ = helperOf(&e.p.Insns[e.insn])
}

// emitLookup finds a value in an array, without a call: the array is in rdi, the address of the
// key in rsi.
func (e *emitter) emitLookup(m MapInfo) {
	e.OpImm(x86.Add, x86.W64, x86.RDI, int32(e.l.ArrayPtrs)) // add rdi, values
	e.Load(x86.W32, x86.RAX, x86.At(x86.RSI, 0))             // mov eax, [rsi]
	e.CmpImm(x86.W64, x86.RAX, int32(m.MaxEntries))          // cmp rax, max_entries
	beyond := e.JccForward(x86.JAE)                          // jae none
	if m.Stride&(m.Stride-1) == 0 {
		shift := uint8(bits.TrailingZeros32(m.Stride))
		e.ShiftImm(x86.Shl, x86.W64, x86.RAX, shift) // shl rax, stride
	} else {
		e.ImulImm(x86.W64, x86.RAX, int32(m.Stride)) // imul rax, rax, stride
	}
	e.Op(x86.Add, x86.W64, x86.RAX, x86.RDI) // add rax, rdi
	done := e.JmpForward()                   // jmp done
	e.Bind(beyond)
	e.MovSigned32(x86.RAX, 0) // none: xor eax, eax
	e.Bind(done)
}

// emitLegacyLoad loads from the packet, the way of cBPF: a load from beyond its end exits the
// function with R0 zero. The context is in R6.
func (e *emitter) emitLegacyLoad(i int) {
	ins := &e.p.Insns[i]
	if ins.OpCode.Mode() == asm.AbsMode {
		e.MovSigned32(x86.RSI, imm(ins)) // mov rsi, offset
	} else {
		if ins.Src != asm.R2 {
			e.Mov(x86.W64, x86.RSI, reg(ins.Src)) // mov rsi, src
		}
		if imm(ins) != 0 {
			e.OpImm(x86.Add, x86.W64, x86.RSI, imm(ins)) // add rsi, offset
		}
	}
	e.Mov(x86.W64, x86.RDI, x86.RBX) // mov rdi, rbx
	e.callHelper()
	e.Test(x86.W64, x86.RAX, x86.RAX)        // test rax, rax
	loaded := e.JccForward(x86.JGE)          // jge loaded
	e.Op(x86.Xor, x86.W32, x86.RAX, x86.RAX) // xor eax, eax
	e.emitExit(i)
	e.Bind(loaded)
}
