package interp

import (
	"errors"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// What a step leads to.
type event uint8

const (
	goesOn event = iota
	tailCalls
	exits
)

// step runs one instruction. At a tail call it stops before it: what happens there is for
// the caller to choose.
func (m *machine) step() (event, error) {
	p := m.top().prog
	ins := &p.Insns[m.pc]
	op := ins.OpCode
	switch cls := op.Class(); {
	case op.IsDWordLoad():
		m.regs[ins.Dst] = m.loadImm(ins)
	case cls.IsALU():
		v, err := m.alu(ins)
		if err != nil {
			return goesOn, err
		}
		m.regs[ins.Dst] = v
	case cls.IsJump():
		return m.jump(p, ins)
	default:
		if err := m.memory(ins); err != nil {
			return goesOn, err
		}
	}
	m.pc++
	return goesOn, nil
}

func (m *machine) loadImm(ins *asm.Instruction) value {
	switch ins.Src {
	case asm.PseudoMapFD:
		return value{kind: ofMap, id: m.w.mapID(jit.MapSymbol(ins))}
	case asm.PseudoMapValue:
		// Memory of a map: the address can be carried about, but nothing is known behind it.
		return value{kind: ofMap, id: m.w.mapID(jit.MapSymbol(ins)), n: ^uint64(0)}
	}
	return num(uint64(ins.Constant))
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
	if wide && (x.isAddress() || y.isAddress()) {
		return pointerArith(op, x, y)
	}
	b, err := y.asNumber()
	if op == asm.Swap || op == asm.Neg {
		b, err = 0, nil
	}
	if err != nil {
		return value{}, err
	}
	if op == asm.Mov {
		return num(uint64(uint32(b))), nil
	}
	a, err := x.asNumber()
	if err != nil {
		return value{}, err
	}
	switch {
	case op == asm.Swap:
		return num(swap(ins, a)), nil
	case wide:
		z, err := alu64(op, a, b)
		return num(z), err
	}
	z, err := alu32(op, uint32(a), uint32(b))
	return num(z), err
}

// pointerArith is the arithmetic that addresses allow: adding a number to one, and the distance
// of two in the same memory.
func pointerArith(op asm.ALUOp, x, y value) (value, error) {
	if op == asm.Add && y.isAddress() {
		x, y = y, x
	}
	switch {
	case x.kind == unset || y.kind == unset:
		return value{}, errUnset
	case op == asm.Sub && sameMemory(x, y):
		return num(x.n - y.n), nil
	case y.isAddress() || x.kind == ofMap:
		return value{}, errAddress
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
		done, err := m.exit()
		if done {
			return exits, nil
		}
		return goesOn, err
	case asm.Call:
		if callee, ok := p.Callee(m.pc); ok {
			return goesOn, m.call(callee)
		}
		return tailCalls, nil
	}
	target, _ := p.Target(m.pc)
	taken := ins.OpCode.JumpOp() == asm.Ja
	if !taken {
		var err error
		if taken, err = m.condition(ins); err != nil {
			return goesOn, err
		}
	}
	m.pc++
	if taken {
		m.pc = target
	}
	return goesOn, nil
}

func (m *machine) condition(ins *asm.Instruction) (bool, error) {
	op, x, y := ins.OpCode.JumpOp(), m.regs[ins.Dst], m.operand(ins)
	wide := ins.OpCode.Class() == asm.JumpClass
	switch {
	case x.kind == unset || y.kind == unset:
		return false, errUnset
	case wide && x.isAddress() && y == num(0) && (op == asm.JEq || op == asm.JNE):
		return op == asm.JNE, nil // no address is null
	case wide && sameMemory(x, y):
		// Offsets stand in the order of the addresses once the sign does not stand out.
		return compare(op, x.n^1<<63, y.n^1<<63)
	}
	a, err := x.asNumber()
	if err != nil {
		return false, err
	}
	b, err := y.asNumber()
	if err != nil {
		return false, err
	}
	if !wide {
		a, b = signed32(a), signed32(b)
	}
	return compare(op, a, b)
}

// memory runs loads and stores.
func (m *machine) memory(ins *asm.Instruction) error {
	size := ins.OpCode.Size().Sizeof()
	at := func(r asm.Register) value {
		addr := m.regs[r]
		addr.n += uint64(int64(ins.Offset))
		return addr
	}
	switch ins.OpCode.Class() {
	case asm.LdXClass:
		v, err := m.load(at(ins.Src), size)
		if err == nil {
			m.regs[ins.Dst] = v
		}
		return err
	case asm.StClass:
		return m.store(at(ins.Dst), size, num(signed32(uint64(ins.Constant))))
	case asm.StXClass:
		if ins.OpCode.Mode() == asm.AtomicMode {
			return m.atomic(ins, at(ins.Dst), size)
		}
		return m.store(at(ins.Dst), size, m.regs[ins.Src])
	}
	return errors.New("unknown instruction")
}

// atomic runs the read-modify-write instructions.
func (m *machine) atomic(ins *asm.Instruction, addr value, size int) error {
	old, err := m.load(addr, size)
	if err != nil {
		return err
	}
	was, err := old.asNumber()
	if err != nil {
		return err
	}
	src, err := m.regs[ins.Src].asNumber()
	if err != nil {
		return err
	}
	op := ins.OpCode.AtomicOp()
	next, fetch := src, ins.Src
	switch op {
	case asm.AddAtomic, asm.FetchAdd:
		next = was + src
	case asm.AndAtomic, asm.FetchAnd:
		next = was & src
	case asm.OrAtomic, asm.FetchOr:
		next = was | src
	case asm.XorAtomic, asm.FetchXor:
		next = was ^ src
	case asm.Xchg:
	case asm.CmpXchg:
		expect, err := m.regs[asm.R0].asNumber()
		if err != nil {
			return err
		}
		if size == 4 {
			expect = uint64(uint32(expect))
		}
		if expect != was {
			next = was
		}
		fetch = asm.R0
	}
	switch op {
	case asm.AddAtomic, asm.AndAtomic, asm.OrAtomic, asm.XorAtomic:
	default:
		m.regs[fetch] = num(was)
	}
	return m.store(addr, size, num(next))
}
