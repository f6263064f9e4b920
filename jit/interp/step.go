package interp

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// What a step leads to.
type event uint8

const (
	goesOn event = iota
	tailCalls
	forks // at a question that the machine cannot answer: it takes a guess before it goes on
	exits
)

// step runs one instruction. At a tail call it stops before it: what happens there is for
// the caller to choose.
func (m *machine) step() (event, error) {
	ins, at := &m.top().prog.Insns[m.pc], m.guess
	ev, err := m.execute()
	if err != nil && m.w.anyhow(err) {
		m.guess = at
		return m.unpredicted(ins)
	}
	return ev, err
}

func (m *machine) execute() (event, error) {
	p := m.top().prog
	ins := &p.Insns[m.pc]
	op := ins.OpCode
	var err error
	switch cls := op.Class(); {
	case op.IsDWordLoad():
		m.regs[ins.Dst], err = m.loadImm(p, ins)
	case cls == asm.LdClass:
		return m.legacyLoad(ins)
	case cls.IsALU():
		m.regs[ins.Dst], err = m.alu(ins)
	case cls.IsJump():
		return m.jump(p, ins)
	default:
		err = m.memory(ins)
	}
	if err != nil {
		return goesOn, err
	}
	m.pc++
	return goesOn, nil
}

func (m *machine) loadImm(p *jit.Program, ins *asm.Instruction) (value, error) {
	switch ins.Src {
	case asm.PseudoFunc:
		fn, _ := p.Loaded(m.pc)
		return value{kind: ofFunc, id: int32(fn)}, nil
	case asm.PseudoMapFD:
		return value{kind: ofMap, id: m.w.mapID(jit.MapSymbol(ins))}, nil
	case asm.PseudoMapValue:
		id := m.w.mapID(jit.MapSymbol(ins))
		if int(id) >= len(m.w.defs) { // it can be carried about, but what it points to is unknown
			return value{kind: ofMap, id: id, n: ^uint64(0)}, nil
		}
		if d := m.w.defs[id]; d.Kind != Array || d.MaxEntries != 1 {
			return value{}, fmt.Errorf("map %s is no array of one element", m.w.maps[id])
		}
		return value{kind: inValue, id: id, n: uint64(ins.Constant) >> 32}, nil
	}
	if ins.Reference() != "" { // of the kernel's own: what it is, is known when it is loaded
		return value{kind: anything}, nil
	}
	return num(uint64(ins.Constant)), nil
}

// operand is the second operand of arithmetic or of a comparison.
func (m *machine) operand(ins *asm.Instruction) value {
	if ins.OpCode.Source() == asm.RegSource {
		return m.regs[ins.Src]
	}
	return num(signed32(uint64(ins.Constant)))
}

func (m *machine) alu(ins *asm.Instruction) (value, error) {
	op, wide := ins.OpCode.ALUOp(), ins.OpCode.Class() == asm.ALU64Class
	x, y := m.regs[ins.Dst], m.operand(ins)
	if op == asm.Mov && wide {
		if y.kind == unset {
			return value{}, errUnset
		}
		return y, nil
	}
	if wide && (x.isAddress() || y.isAddress()) && !isSignedMove(op) {
		return pointerArith(op, x, y, m.w.Unknown)
	}
	switch op { // what is not an operand can be anything
	case asm.Swap, asm.Neg:
		y = num(0)
	case asm.Mov, asm.MovSX8, asm.MovSX16, asm.MovSX32:
		x = num(0)
	}
	switch known, err := numbers(y, x); {
	case err != nil:
		return value{}, err
	case !known:
		return value{kind: anything}, nil
	case op == asm.Swap:
		return num(swap(ins, x.n)), nil
	case wide:
		z, err := alu64(op, x.n, y.n)
		return num(z), err
	}
	z, err := alu32(op, uint32(x.n), uint32(y.n))
	return num(z), err
}

func isSignedMove(op asm.ALUOp) bool {
	return op == asm.MovSX8 || op == asm.MovSX16 || op == asm.MovSX32
}

// pointerArith is the arithmetic that addresses allow: adding a number to one, and the distance
// of two in the same memory. With loosens the sum with an unknown number is an address somewhere.
func pointerArith(op asm.ALUOp, x, y value, loosens bool) (value, error) {
	if op == asm.Add && y.isAddress() {
		x, y = y, x
	}
	switch {
	case x.kind == unset || y.kind == unset:
		return value{}, errUnset
	case op == asm.Sub && maybeSame(x, y):
		return value{kind: anything}, nil
	case loosens && (x.kind == anything || y.kind == anything) && x.kind != ofMap && x.kind != ofFunc && (op == asm.Add || op == asm.Sub && x.isAddress()):
		if x.kind == anything {
			x = y
		}
		return value{kind: x.kind, id: x.id, elem: x.elem, loose: true}, nil
	case x.kind == anything || y.kind == anything:
		return value{kind: anything}, nil
	case op == asm.Sub && sameMemory(x, y):
		return num(x.n - y.n), nil
	case y.isAddress() || x.kind == ofMap || x.kind == ofFunc:
		return value{}, errAddress
	case x.loose && (op == asm.Add || op == asm.Sub):
		return x, nil
	case op == asm.Add:
		x.n += y.n
		return x, nil
	case op == asm.Sub:
		x.n -= y.n
		return x, nil
	}
	return value{}, errAddress
}

func (m *machine) jump(p *jit.Program, ins *asm.Instruction) (event, error) {
	switch ins.OpCode.JumpOp() {
	case asm.Exit:
		return m.exit()
	case asm.Call:
		return m.callOp(p, ins)
	}
	target, _ := p.Target(m.pc)
	taken := ins.OpCode.JumpOp() == asm.Ja
	if !taken {
		var known bool
		var err error
		if taken, known, err = m.condition(ins); err != nil {
			return goesOn, err
		}
		if !known {
			if taken, known = m.guessed(); !known {
				return forks, nil
			}
		}
	}
	m.pc++
	if taken {
		m.pc = target
	}
	return goesOn, nil
}

// callOp is a call of any kind.
func (m *machine) callOp(p *jit.Program, ins *asm.Instruction) (event, error) {
	callee, local := p.Callee(m.pc)
	switch {
	case local:
		return goesOn, m.call(callee)
	case ins.OpCode.Source() == asm.RegSource:
		fn := m.regs[ins.Dst]
		if fn.kind != ofFunc {
			return goesOn, fmt.Errorf("calls %v", fn.kind)
		}
		return goesOn, m.call(int(fn.id))
	case ins.Src == 0 && asm.BuiltinFunc(ins.Constant) == asm.FnTailCall:
		return tailCalls, nil
	case ins.Src != 0:
		return goesOn, errors.New("calls a function of the kernel")
	}
	return m.helper(jit.Helper(ins.Constant))
}

// condition decides a conditional jump, if it is known how.
func (m *machine) condition(ins *asm.Instruction) (taken, known bool, err error) {
	op, x, y := ins.OpCode.JumpOp(), m.regs[ins.Dst], m.operand(ins)
	wide := ins.OpCode.Class() == asm.JumpClass
	switch {
	case x.kind == unset || y.kind == unset:
		return false, false, errUnset
	case x.kind == anything || y.kind == anything:
		return false, false, nil
	case wide && x.isAddress() && y == num(0) && (op == asm.JEq || op == asm.JNE):
		return op == asm.JNE, true, nil // no address is null
	case wide && sameMemory(x, y):
		// With its sign bit inverted an offset is ordered as its address is.
		taken, err = compare(op, x.n^1<<63, y.n^1<<63)
		return taken, true, err
	case wide && maybeSame(x, y):
		return false, false, nil
	}
	if _, err := numbers(x, y); err != nil {
		return false, false, err
	}
	a, b := x.n, y.n
	if !wide {
		a, b = signed32(a), signed32(b)
	}
	taken, err = compare(op, a, b)
	return taken, true, err
}
