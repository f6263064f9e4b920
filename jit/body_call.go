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
	if !e.p.Translated || !e.o.Uncounted[imm(&e.p.Insns[e.insn])] {
		e.emitCallDepth()
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

// emitTailCall emits a direct site when the map and the key are known and the map has that
// key, and an indirect site otherwise.
func (e *emitter) emitTailCall(i int) {
	s := Site{Insn: i, Func: e.index, Start: Off(e.Len())}
	n, tc := e.p.tailCall(i)
	if tc.Const && tc.Key < e.o.Maps[tc.Map].MaxEntries {
		s.Direct, s.Map, s.Key = true, tc.Map, tc.Key
	}
	if e.o.Direct != nil {
		s.Direct = e.o.Direct[n]
	}
	var out []x86.Forward
	if s.Direct {
		out = e.emitDirect(&s)
	} else {
		out = e.emitIndirect()
	}
	e.Bind(out...)
	s.End = Off(e.Len())
	e.sites = append(e.sites, s)
}

// emitDirect emits the site that is patched. It is left in state C: the key is empty.
func (e *emitter) emitDirect(s *Site) []x86.Forward {
	out := e.l.counting().test(&e.Builder, e.depth, e.l)
	if e.l.Counter.MissSpends {
		e.l.counting().spend(&e.Builder, e.depth)
	}
	s.TailcallBypass = Off(e.Len())
	e.JmpNear(0) // jmp out, or nop5
	bypassEnd := e.Len()
	if !e.l.Counter.MissSpends {
		e.l.counting().spend(&e.Builder, e.depth)
	}
	e.emitUnwind()
	s.TailcallTarget = Off(e.Len())
	e.nop5() // nop5, or jmp program+AdjOff
	s.BypassAddr = Off(e.Len())
	x86.SetRel32(e.Code(), bypassEnd, e.Len())
	return []x86.Forward{out}
}

// emitIndirect emits the site that reads the map: rsi is the array, edx the key.
func (e *emitter) emitIndirect() []x86.Forward {
	maxEntries, ptrs := int32(e.l.ArrayMaxEntries), int32(e.l.ArrayPtrs)
	e.Mov(x86.W32, x86.RDX, x86.RDX)                        // mov edx, edx
	e.CmpMem(x86.W32, x86.At(x86.RSI, maxEntries), x86.RDX) // cmp [rsi+max_entries], edx
	beyond := e.JccForward(x86.JBE)                         // jbe out
	spent := e.l.counting().test(&e.Builder, e.depth, e.l)  // ...ja out
	if e.l.Counter.MissSpends {
		e.l.counting().spend(&e.Builder, e.depth)
	}
	e.LoadIndexed8(x86.RCX, x86.RSI, x86.RDX, ptrs) // mov rcx, [rsi+rdx*8+ptrs]
	e.Test(x86.W64, x86.RCX, x86.RCX)               // test rcx, rcx
	empty := e.JccForward(x86.JE)                   // je out
	if !e.l.Counter.MissSpends {
		e.l.counting().spend(&e.Builder, e.depth)
	}
	e.emitUnwind()
	e.Load(x86.W64, x86.RCX, x86.At(x86.RCX, int32(e.l.ProgFunc))) // mov rcx, [rcx+bpf_func]
	e.OpImm(x86.Add, x86.W64, x86.RCX, int32(e.l.AdjOff))          // add rcx, AdjOff
	e.emitJumpRCX()
	return []x86.Forward{beyond, spent, empty}
}
