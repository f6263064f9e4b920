package interp

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// userEnd is where addresses end that bpf_probe_read_kernel does not even try.
const userEnd = 1 << 47

// probeRead is bpf_probe_read(dst, size, src) and its variants. Which one it is makes no
// difference here: an address that the interpreter knows is read like any other, and at a number
// they find what World.Probe finds.
func (m *machine) probeRead(h jit.Helper) (value, error) {
	n, err := m.size(asm.R2)
	if err != nil {
		return value{}, err
	}
	dst, src := m.regs[asm.R1], m.regs[asm.R3]
	if src.kind == unset {
		return value{}, fmt.Errorf("r3: %w", errUnset)
	}
	if err := m.inside(dst, n, "writes"); err != nil {
		return value{}, fmt.Errorf("r1: %w", err)
	}
	data, known, r0 := make([]byte, n), false, src
	switch src.kind {
	case anything:
	case number:
		known, r0 = true, num(0)
		if m.probe(src.n, data) {
			break
		}
		clear(data)
		switch {
		case h == jit.ProbeReadKernel && src.n < userEnd:
			r0 = erange.value()
		case n > 0:
			r0 = efault.value()
		}
	default:
		if data, known, err = m.memoryArg(asm.R3, n); err != nil {
			return value{}, err
		}
		r0 = num(0)
	}
	return r0, m.write(dst, data, known)
}

// probe asks the world for memory.
func (m *machine) probe(addr uint64, dst []byte) bool {
	return m.w.Probe != nil && m.w.Probe(addr, dst)
}
