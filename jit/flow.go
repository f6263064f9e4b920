package jit

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"
)

// A value is what is known of a register on every path to an instruction.
type value struct {
	kind kind
	num  uint64 // constant; offset from the frame pointer; index of the map
}

type kind uint8

const (
	unknown  kind = iota
	constant      // num
	frame         // the frame pointer plus num
	frameAny      // somewhere in the frame
	mapAddr       // the address of map num
)

// join is what is known when a register is a on one path and b on another.
func join(a, b value) value {
	switch {
	case a == b:
		return a
	case a.inFrame() && b.inFrame():
		return value{kind: frameAny}
	}
	return value{}
}

func (v value) inFrame() bool { return v.kind == frame || v.kind == frameAny }

type registers [regAX + 1]value

// analyse follows constants, map addresses and stack addresses forward through a function.
// It finds what the tail calls are given, and how deep the stack is.
func (p *Program) analyse(f int) error {
	fn := &p.Funcs[f]
	a := analysis{p: p, fn: fn, in: make([]registers, fn.Len), seen: make([]bool, fn.Len)}
	a.run()
	for i := fn.First; i < fn.End(); i++ {
		if err := a.stack(i); err != nil {
			return p.errorf(i, "%w", err)
		}
		if isTailCall(&p.Insns[i]) {
			p.TailCalls = append(p.TailCalls, a.tailCall(i, f))
		} else if h, ok := helperOf(&p.Insns[i]); ok && !p.Translated {
			p.Calls = append(p.Calls, HelperCall{Insn: i, Func: f, Helper: h, Map: a.mapIn(i, asm.R1)})
		}
	}
	return nil
}

// An analysis holds what is known before each instruction of one function.
type analysis struct {
	p    *Program
	fn   *Function
	in   []registers
	seen []bool
	work []int
}

func (a *analysis) run() {
	var entry registers
	entry[asm.R10] = value{kind: frame}
	a.flow(a.fn.First, entry)
	for len(a.work) > 0 {
		i := a.work[len(a.work)-1]
		a.work = a.work[:len(a.work)-1]
		ins := &a.p.Insns[i]
		out := a.in[i-a.fn.First]
		a.step(ins, &out)
		if t, ok := a.p.Target(i); ok {
			a.flow(t, out)
		}
		if op := ins.OpCode; op != opExit && op != opJa && op != opJaLong {
			a.flow(i+1, out)
		}
	}
}

// flow joins what is known on one more path into instruction i.
func (a *analysis) flow(i int, regs registers) {
	at := i - a.fn.First
	joined := regs
	if a.seen[at] {
		for r := range joined {
			joined[r] = join(a.in[at][r], regs[r])
		}
		if joined == a.in[at] {
			return
		}
	}
	a.seen[at], a.in[at] = true, joined
	a.work = append(a.work, i)
}

// step is the effect of one instruction on the registers.
func (a *analysis) step(ins *asm.Instruction, regs *registers) {
	switch cls := ins.OpCode.Class(); {
	case ins.OpCode == opLoadImm64:
		regs[ins.Dst] = a.loadImm(ins)
	case ins.OpCode == opCall || ins.OpCode == opCallX || isLegacyLoad(ins):
		for r := asm.R0; r <= asm.R5; r++ {
			regs[r] = value{}
		}
	case cls.IsALU():
		regs[ins.Dst] = evaluate(ins, regs)
	default:
		if r, ok := written(ins); ok {
			regs[r] = value{}
		}
	}
}

func (a *analysis) loadImm(ins *asm.Instruction) value {
	switch ins.Src {
	case 0:
		return value{constant, uint64(ins.Constant)}
	case asm.PseudoMapFD:
		return value{mapAddr, uint64(slices.Index(a.p.maps, MapSymbol(ins)))}
	}
	return value{}
}

// evaluate folds the operations by which compilers make constants and stack addresses.
func evaluate(ins *asm.Instruction, regs *registers) value {
	x, y := regs[ins.Dst], value{constant, uint64(int64(int32(ins.Constant)))}
	op := ins.OpCode.ALUOp()
	if op == asm.Swap || op == asm.Neg {
		return value{}
	}
	if ins.OpCode.Source() == asm.RegSource {
		y = regs[ins.Src]
	}
	wide := ins.OpCode.Class() == asm.ALU64Class
	switch {
	case op == asm.Mov && wide:
		return y
	case op == asm.Mov && y.kind == constant:
		return value{constant, uint64(uint32(y.num))}
	case op == asm.Mov:
		return value{}
	case x.kind == constant && y.kind == constant:
		return fold(op, wide, x.num, y.num)
	case !wide:
		return value{} // half an address is none
	}
	return offset(op, x, y)
}

// offset is the address that arithmetic on an address in the frame gives.
func offset(op asm.ALUOp, x, y value) value {
	if op == asm.Add && y.inFrame() {
		x, y = y, x
	}
	switch {
	case !x.inFrame() || y.inFrame():
		return value{}
	case op == asm.Add && x.kind == frame && y.kind == constant:
		return value{frame, x.num + y.num}
	case op == asm.Sub && x.kind == frame && y.kind == constant:
		return value{frame, x.num - y.num}
	case op == asm.Add || op == asm.Sub || op == asm.And:
		return value{kind: frameAny}
	}
	return value{}
}

func fold(op asm.ALUOp, wide bool, x, y uint64) value {
	var z uint64 // its lower half comes of theirs alone
	switch op {
	case asm.Add:
		z = x + y
	case asm.Sub:
		z = x - y
	case asm.And:
		z = x & y
	case asm.Or:
		z = x | y
	case asm.Xor:
		z = x ^ y
	default:
		return value{} // rare enough: the site becomes an indirect one, which is right as well
	}
	if !wide {
		z = uint64(uint32(z))
	}
	return value{constant, z}
}

// stack deepens the function's stack by what instruction i shows of it: an access, or an
// address that is computed for a later access.
func (a *analysis) stack(i int) error {
	ins, at := &a.p.Insns[i], i-a.fn.First
	regs := a.in[at]
	regs[asm.R10] = value{kind: frame} // known even in code that is never reached
	base, size := accessed(ins)
	if size == 0 {
		if ins.OpCode.Class().IsALU() {
			a.address(evaluate(ins, &regs))
		}
		return nil
	}
	if regs[base].kind != frame {
		return nil
	}
	off := int64(regs[base].num) + int64(ins.Offset)
	if off < -MaxStack || off+int64(size) > 0 {
		return fmt.Errorf("access of %d bytes at %+d is outside of the stack of %d bytes",
			size, off, MaxStack)
	}
	a.fn.StackDepth = max(a.fn.StackDepth, int(-off))
	return nil
}

func (a *analysis) address(v value) {
	off := int64(v.num)
	switch {
	case v.kind == frameAny:
		a.fn.StackDepth = MaxStack
	case v.kind == frame && -MaxStack <= off && off < 0:
		a.fn.StackDepth = max(a.fn.StackDepth, int(-off))
	}
}

// accessed is the register that holds the address of the memory that ins touches, and how
// many bytes it touches; none for instructions that touch no memory.
func accessed(ins *asm.Instruction) (asm.Register, int) {
	switch ins.OpCode.Class() {
	case asm.LdXClass:
		return ins.Src, ins.OpCode.Size().Sizeof()
	case asm.StClass, asm.StXClass:
		if ins.OpCode.AtomicOp() == opLoadAcquire {
			return ins.Src, ins.OpCode.Size().Sizeof()
		}
		return ins.Dst, ins.OpCode.Size().Sizeof()
	}
	return 0, 0
}

// mapIn is the map whose address a register holds before instruction i, on all paths; or "".
func (a *analysis) mapIn(i int, r asm.Register) string {
	v := a.in[i-a.fn.First][r]
	if v.kind != mapAddr {
		return ""
	}
	return a.p.maps[v.num]
}

func (a *analysis) tailCall(i, f int) TailCall {
	tc := TailCall{Insn: i, Func: f, Map: a.mapIn(i, asm.R2)}
	if tc.Map == "" {
		return tc
	}
	regs := a.in[i-a.fn.First]
	// A key above 32 bits is cut at run time: no constant key is meant to have it.
	if key := regs[asm.R3]; key.kind == constant && key.num == uint64(uint32(key.num)) {
		tc.Key, tc.Const = uint32(key.num), true
	}
	return tc
}
