package jit

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

// An emitter compiles one function. Its offsets count from the function's start.
type emitter struct {
	x86.Builder
	p     *Program
	fn    *Function
	index int // of the function
	o     *Options
	l     *Layout

	stack   int    // of the function, in bytes
	depth   int32  // the same, rounded up to quad words
	private uint64 // where the function's private stack ends, or 0: it has none

	// ends[i+1] is where instruction i of the function ends; ends[0] is the prologue's end. In
	// the course of a pass those up to the current instruction are of this pass, the others of
	// the pass before.
	ends   []int
	long   []bool // which instructions ended in a long jump in the pass before
	sticky bool   // long jumps stay long

	cleanup int // where the epilogue stands, or none: the first exit emits it, the others jump there
	sites   []Site
	calls   []callSite
	refs    []Ref
	insn    int // being compiled
}

func newEmitter(p *Program, f int, o *Options) *emitter {
	fn := &p.Funcs[f]
	if o.TailCallReachable != nil && o.TailCallReachable[f] {
		counting := *fn
		counting.TailCallReachable = true
		fn = &counting
	}
	e := &emitter{p: p, fn: fn, index: f, o: o, l: o.Layout, stack: fn.StackDepth}
	if o.StackDepths != nil {
		e.stack = o.StackDepths[f]
	}
	if o.PrivateStacks != nil && o.PrivateStacks[f] != 0 {
		e.usePrivateStack(o.PrivateStacks[f])
	}
	e.depth = int32(e.stack+7) &^ 7
	e.ends = make([]int, fn.Len+1)
	e.long = make([]bool, fn.Len)
	// No instruction is longer than this, so that in the first pass every jump that could be
	// long is, and later passes shorten.
	const longest = 256
	for i := range e.ends {
		e.ends[i] = longest * (i + 1)
	}
	return e
}

// converge emits the function over and over, until jumps have their final sizes.
func (e *emitter) converge() error {
	size := none
	for pass := range maxPasses {
		e.sticky = pass >= stickyPass
		before := size
		changed := e.pass()
		if size = e.Len(); size == before && !changed {
			return nil
		}
	}
	return fmt.Errorf("function %s: jumps have no stable size after %d passes", e.fn.Name, maxPasses)
}

// pass emits the function once, and says whether any instruction ends elsewhere than before.
func (e *emitter) pass() (changed bool) {
	e.Reset()
	e.insn = e.fn.First
	e.cleanup, e.sites, e.calls, e.refs = none, e.sites[:0], e.calls[:0], e.refs[:0]
	e.emitPrologue()
	changed = e.ends[0] != e.Len()
	e.ends[0] = e.Len()
	for i := range e.fn.Len {
		e.emit(e.fn.First + i)
		changed = changed || e.ends[i+1] != e.Len()
		e.ends[i+1] = e.Len()
	}
	return changed
}

func (e *emitter) emit(i int) {
	ins := &e.p.Insns[i]
	e.insn = i
	switch cls := ins.OpCode.Class(); {
	case ins.OpCode == opLoadImm64:
		e.emitLoadImm64(i)
	case isLegacyLoad(ins):
		e.emitLegacyLoad(i)
	case cls == asm.LdXClass:
		e.emitLoad(ins)
	case cls == asm.StClass:
		e.StoreImm(width(ins.OpCode.Size()), x86.At(reg(ins.Dst), int32(ins.Offset)), imm(ins))
	case cls == asm.StXClass:
		e.emitStore(ins)
	case cls.IsALU():
		e.emitALU(ins)
	case ins.OpCode == opCall || ins.OpCode == opCallX:
		e.emitCall(i)
	case ins.OpCode == opExit:
		e.emitExit(i)
	default:
		e.emitJump(i)
	}
}

func (e *emitter) emitCall(i int) {
	ins := &e.p.Insns[i]
	if isTailCall(ins) {
		e.emitTailCall(i)
		return
	}
	if e.private != 0 {
		e.Push(x86.R9)      // push r9
		defer e.Pop(x86.R9) // pop r9
	}
	if ins.OpCode == opCallX {
		e.emitCallX(ins)
		return
	}
	callee, ok := e.p.Callee(i)
	if !ok {
		e.emitHelper(i)
		return
	}
	e.emitReload()
	e.emitCallDepth()
	e.Call(0) // call callee
	e.refer(RefFunc, 4)
	e.calls = append(e.calls, callSite{end: e.Len(), callee: callee})
}

// emitCallX calls the function whose address is in a register.
func (e *emitter) emitCallX(ins *asm.Instruction) {
	r := reg(ins.Dst)
	if r == x86.RAX && e.reloads() {
		e.Mov(x86.W64, auxReg, r) // mov r11, rax
		r = auxReg
	}
	e.emitReload()
	e.CallReg(r) // call r
}

// emitReload brings the counter to a function that is called.
func (e *emitter) emitReload() {
	if !e.reloads() {
		return
	}
	depth := e.depth
	if e.l.UnroundedReload {
		depth = int32(e.stack)
	}
	e.l.counting().reload(&e.Builder, depth)
}

// reloads says whether rax must bring the counter to the functions that this one calls.
func (e *emitter) reloads() bool {
	return e.l.Counter.Calls != CounterResets && e.l.keeps(e.fn)
}

// refer notes that the last bytes emitted are an address.
func (e *emitter) refer(kind RefKind, size int) {
	e.refs = append(e.refs, Ref{Kind: kind, Insn: e.insn, Off: Off(e.Len() - size), Size: size})
}

// registerMap is the kernel's: R0 where the result of a function is, R1 to R5 where its
// arguments are, R6 to R9 and the frame pointer in registers that calls leave alone.
var registerMap = [...]x86.Reg{
	asm.R0: x86.RAX, asm.R1: x86.RDI, asm.R2: x86.RSI, asm.R3: x86.RDX, asm.R4: x86.RCX,
	asm.R5: x86.R8, asm.R6: x86.RBX, asm.R7: x86.R13, asm.R8: x86.R14, asm.R9: x86.R15,
	asm.R10: x86.RBP, regAX: axReg, privateFrame: x86.R9,
}

// Scratch registers: no register of a program is held in them.
const (
	axReg  = x86.R10
	auxReg = x86.R11
)

func reg(r asm.Register) x86.Reg { return registerMap[r] }

func width(s asm.Size) x86.Width { return x86.Width(s.Sizeof()) }

// imm is the constant as it stands in the eight bytes of the instruction.
func imm(ins *asm.Instruction) int32 { return int32(ins.Constant) }
