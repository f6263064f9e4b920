package interp

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// Two atomic operations that the assembler has no exported names for.
var (
	loadAcquire  = asm.LoadAcquire(0, 0, asm.Byte, 0).OpCode.AtomicOp()
	storeRelease = asm.StoreRelease(0, 0, asm.Byte, 0).OpCode.AtomicOp()
)

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

// extent is the range of offsets in the memory that an address points into, [lo, hi).
func (m *machine) extent(addr value) (lo, hi int64, ok bool) {
	switch addr.kind {
	case inStack:
		return -int64(len(m.frames[addr.id].stack.bytes)), 0, true
	case inCtx:
		return 0, int64(len(m.ctx.bytes)), true
	case inPacket:
		return 0, int64(len(m.packet)), true
	case inValue:
		return 0, int64(m.w.defs[addr.id].ValueSize), true
	}
	return 0, 0, false
}

// inside says whether size bytes at an address are within its memory. It is asked before
// every access; does is the verb for the error.
func (m *machine) inside(addr value, size int, does string) error {
	lo, hi, ok := m.extent(addr)
	off := int64(addr.n)
	switch {
	case addr.kind == unset:
		return errUnset
	case addr.loose:
		return errUnknown
	case !ok:
		return fmt.Errorf("%s memory through %v", does, addr.kind)
	case off >= lo && off <= hi-int64(size):
		return nil
	}
	what := map[kind]string{inStack: "a stack", inCtx: "a context", inPacket: "a packet"}[addr.kind]
	if addr.kind == inValue {
		what = "a value of map " + m.w.maps[addr.id]
	}
	return fmt.Errorf("%w: %d bytes at %+d of %s of %d", errBounds, size, off, what, hi-lo)
}

func (m *machine) load(addr value, size int) (value, error) {
	if err := m.inside(addr, size, "reads"); err != nil {
		return value{}, err
	}
	switch at := int(int64(addr.n)); addr.kind {
	case inStack:
		s := m.frames[addr.id].stack
		v, err := s.load(len(s.bytes)+at, size)
		if err != nil {
			err = fmt.Errorf("%w: stack at %+d", err, at)
		}
		return v, err
	case inCtx:
		return m.loadCtx(at, size)
	case inPacket:
		if m.w.packetUnknown {
			return value{kind: anything}, nil
		}
		return num(loadBytes(m.packet[at : at+size])), nil
	default:
		return m.loadValue(addr, size)
	}
}

func (m *machine) store(addr value, size int, v value) error {
	if v.kind == unset {
		return errUnset
	}
	if err := m.inside(addr, size, "writes"); err != nil {
		return err
	}
	switch at := int(int64(addr.n)); addr.kind {
	case inStack:
		s := m.frames[addr.id].stack
		return s.store(len(s.bytes)+at, size, v)
	case inCtx:
		return m.storeCtx(at, size, v)
	case inPacket:
		return m.storePacket(at, size, v)
	default:
		return m.storeValue(addr, size, v)
	}
}

// read reads n bytes for a helper. They are known if all of them are.
func (m *machine) read(addr value, n int) (data []byte, known bool, err error) {
	if err := m.inside(addr, n, "reads"); err != nil {
		return nil, false, err
	}
	data, known = make([]byte, n), true
	for i := range data {
		b, err := m.load(addr, 1)
		if err != nil {
			return nil, false, err
		}
		data[i], known = byte(b.n), known && b.kind == number
		addr.n++
	}
	return data, known, nil
}

// write writes what a helper gives, or as many unknown bytes.
func (m *machine) write(addr value, data []byte, known bool) error {
	for _, b := range data {
		v := num(uint64(b))
		if !known {
			v = value{kind: anything}
		}
		if err := m.store(addr, 1, v); err != nil {
			return err
		}
		addr.n++
	}
	return nil
}
