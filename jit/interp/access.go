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
			switch known, err := numbers(v); {
			case err != nil:
				return err
			case known:
				v.n = signed(v.n, size)
			}
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
	was, err := m.load(addr, size)
	if err != nil {
		return err
	}
	op, src := ins.OpCode.AtomicOp(), m.regs[ins.Src]
	expect, fetch := num(0), ins.Src
	if op == asm.CmpXchg {
		expect, fetch = m.regs[asm.R0], asm.R0
	}
	next := value{kind: anything}
	switch known, err := numbers(was, src, expect); {
	case err != nil:
		return err
	case known:
		next = num(exchange(op, size, was.n, src.n, expect.n))
	}
	switch op {
	case asm.AddAtomic, asm.AndAtomic, asm.OrAtomic, asm.XorAtomic:
	default:
		m.regs[fetch] = was
	}
	return m.store(addr, size, next)
}

// exchange is what an atomic operation leaves where was has been.
func exchange(op asm.AtomicOp, size int, was, src, expect uint64) uint64 {
	switch op {
	case asm.AddAtomic, asm.FetchAdd:
		return was + src
	case asm.AndAtomic, asm.FetchAnd:
		return was & src
	case asm.OrAtomic, asm.FetchOr:
		return was | src
	case asm.XorAtomic, asm.FetchXor:
		return was ^ src
	case asm.CmpXchg:
		if size == 4 {
			expect = uint64(uint32(expect))
		}
		if expect != was {
			return was
		}
	}
	return src
}
