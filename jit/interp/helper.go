package interp

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// helper calls a helper: afterwards R0 has what it gives, and its arguments are gone.
func (m *machine) helper(h jit.Helper) (event, error) {
	var r0 value
	var err error
	switch h {
	case jit.MapLookupElem:
		var answers bool
		if r0, answers, err = m.lookup(); err == nil && !answers {
			return forks, nil
		}
	case jit.MapUpdateElem:
		r0, err = m.update()
	case jit.MapDeleteElem:
		r0, err = m.remove()
	case jit.ProbeRead, jit.ProbeReadUser, jit.ProbeReadKernel:
		r0, err = m.probeRead(h)
	case jit.TracePrintk:
		r0, err = m.tracePrintk()
	case jit.SkbLoadBytes:
		r0, err = m.skbLoadBytes()
	case jit.KtimeGetNs:
		r0 = m.unlessShared(m.w.Now)
	case jit.GetPrandomU32:
		r0 = m.unlessShared(uint64(m.w.Random))
	case jit.GetSmpProcessorID:
		r0 = m.unlessShared(uint64(m.w.CPU))
	default:
		return goesOn, fmt.Errorf("%v is not known here", h)
	}
	if err != nil {
		return goesOn, err
	}
	m.regs[asm.R0] = r0
	m.clobber(asm.R1)
	m.pc++
	return goesOn, nil
}

// unlessShared is a number that differs from thread to thread.
func (m *machine) unlessShared(n uint64) value {
	if m.w.Shared {
		return value{kind: anything}
	}
	return num(n)
}

// arg is an argument that is a number.
func (m *machine) arg(r asm.Register) (n uint64, known bool, err error) {
	known, err = numbers(m.regs[r])
	if err != nil {
		err = fmt.Errorf("%v: %w", r, err)
	}
	return m.regs[r].n, known, err
}

// size is an argument that is the size of some memory in bytes: a number of 32 bits.
func (m *machine) size(r asm.Register) (int, error) {
	n, known, err := m.arg(r)
	if err == nil && !known {
		err = fmt.Errorf("%v, a size: %w", r, errUnknown)
	}
	return int(uint32(n)), err
}

// memoryArg is what n bytes hold that an argument points to.
func (m *machine) memoryArg(r asm.Register, n int) (data []byte, known bool, err error) {
	data, known, err = m.read(m.regs[r], n)
	if err != nil {
		err = fmt.Errorf("%v: %w", r, err)
	}
	return data, known, err
}
