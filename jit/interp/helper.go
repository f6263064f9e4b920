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
		return goesOn, fmt.Errorf("helper %v (#%d) is not supported", h, h)
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

// args reads the arguments of a helper, and keeps the first fault that it finds. What is read after
// one means nothing.
type args struct {
	m   *machine
	err error
}

func (a *args) check(r asm.Register, err error) {
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("%v: %w", r, err)
	}
}

// number is an argument that is a number.
func (a *args) number(r asm.Register) (n uint64, known bool) {
	known, err := numbers(a.m.regs[r])
	a.check(r, err)
	return a.m.regs[r].n, known
}

// size is an argument that is the size of some memory in bytes: a number of 32 bits.
func (a *args) size(r asm.Register) int {
	n, known := a.number(r)
	if a.err == nil && !known {
		a.err = fmt.Errorf("%v, a size: %w", r, errUnknown)
	}
	return int(uint32(n))
}

// memory is what n bytes hold that an argument points to.
func (a *args) memory(r asm.Register, n int) (data []byte, known bool) {
	if a.err == nil {
		var err error
		data, known, err = a.m.read(a.m.regs[r], n)
		a.check(r, err)
	}
	return data, known
}

// elements is the map in R1 of a helper that works on elements.
func (a *args) elements() (id int32, d *Map) {
	r1, w := a.m.regs[asm.R1], a.m.w
	d = &Map{}
	switch {
	case r1.kind != ofMap || r1.n != 0:
		a.err = fmt.Errorf("r1 holds %v, not a map", r1.kind)
	case int(r1.id) >= len(w.defs):
		a.err = fmt.Errorf("nothing is said of map %s", w.maps[r1.id])
	case w.defs[r1.id].Kind == ProgArray:
		a.err = fmt.Errorf("map %s is %v, which has no values", w.maps[r1.id], ProgArray)
	default:
		d = w.defs[r1.id]
	}
	return r1.id, d
}

// An errno is why a helper fails; 0 is that it does not.
type errno int64

// Those of the UAPI.
const (
	enoent errno = 2
	e2big  errno = 7
	efault errno = 14
	eexist errno = 17
	einval errno = 22
	erange errno = 34
)

// value is what the helper returns: a number of 64 bits, and negative.
func (e errno) value() value { return num(uint64(-int64(e))) }

// userEnd is where addresses end that bpf_probe_read_kernel does not even try.
const userEnd = 1 << 47

// probeRead is bpf_probe_read(dst, size, src) and its variants. Which one it is makes no
// difference here: an address that the interpreter knows is read like any other, and at a number
// they find what World.Probe finds.
func (m *machine) probeRead(h jit.Helper) (value, error) {
	a := args{m: m}
	n, dst, src := a.size(asm.R2), m.regs[asm.R1], m.regs[asm.R3]
	if src.kind == unset {
		a.check(asm.R3, errUnset)
	}
	a.check(asm.R1, m.inside(dst, n, "writes"))
	if a.err != nil {
		return value{}, a.err
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
		if data, known = a.memory(asm.R3, n); a.err != nil {
			return value{}, a.err
		}
		r0 = num(0)
	}
	return r0, m.write(dst, data, known)
}

func (m *machine) probe(addr uint64, dst []byte) bool {
	return m.w.Probe != nil && m.w.Probe(addr, dst)
}
