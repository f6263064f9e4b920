package interp

import (
	"errors"

	"github.com/cilium/ebpf/asm"
)

// Two atomic operations that the assembler has no exported names for.
var (
	loadAcquire  = asm.LoadAcquire(0, 0, asm.Byte, 0).OpCode.AtomicOp()
	storeRelease = asm.StoreRelease(0, 0, asm.Byte, 0).OpCode.AtomicOp()
)

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
		if err != nil {
			return err
		}
		if ins.OpCode.Mode() == asm.MemSXMode {
			v.n = signed(v.n, size) // a number: no address is this short
		}
		m.regs[ins.Dst] = v
		return nil
	case asm.StClass:
		return m.store(at(ins.Dst), size, num(signed32(uint64(ins.Constant))))
	case asm.StXClass:
		switch ins.OpCode.AtomicOp() {
		case asm.InvalidAtomic, storeRelease:
		case loadAcquire:
			v, err := m.load(at(ins.Src), size)
			if err == nil {
				m.regs[ins.Dst] = v
			}
			return err
		default:
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
