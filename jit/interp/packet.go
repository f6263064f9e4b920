package interp

import (
	"errors"
	"slices"

	"github.com/cilium/ebpf/asm"
)

var (
	errNoPacket = errors.New("the context is not of a kind that has a packet")
	errHeader   = errors.New("offset from a header of which nothing is said")
)

// storePacket writes into the packet.
func (m *machine) storePacket(at, size int, v value) error {
	if m.w.Shared {
		return errors.New("writes into the packet, which others read")
	}
	n, err := v.asNumber()
	if err != nil {
		return err
	}
	if !m.ownPacket {
		m.packet, m.ownPacket = slices.Clone(m.packet), true
	}
	storeBytes(m.packet[at:at+size], n)
	return nil
}

// Bases of negative offsets: that of the network header, and that of the link layer's.
const (
	netBase  = -0x100000
	linkBase = -0x200000
)

// legacyLoad runs a load from the packet, the way of cBPF. Past the packet's end the
// function exits.
func (m *machine) legacyLoad(ins *asm.Instruction) (event, error) {
	if m.regs[asm.R6] != (value{kind: inCtx}) {
		return goesOn, errors.New("r6 does not hold the context")
	}
	if m.w.CtxKind != CtxSkb {
		return goesOn, errNoPacket
	}
	off := num(0)
	if ins.OpCode.Mode() == asm.IndMode {
		off = m.regs[ins.Src]
	}
	known, err := numbers(off)
	if err != nil {
		return goesOn, err
	}
	v, there := value{kind: anything}, false
	if known {
		v, there, err = m.fromPacket(int32(uint64(ins.Constant)+off.n), ins.OpCode.Size().Sizeof())
		if err != nil {
			return goesOn, err
		}
	} else {
		var ok bool
		if there, ok = m.guessed(); !ok {
			return forks, nil
		}
	}
	if !there {
		m.regs[asm.R0] = num(0)
		return m.exit()
	}
	m.regs[asm.R0] = v
	m.clobber(asm.R1)
	m.pc++
	return goesOn, nil
}

// fromPacket reads a number in network order. Negative offsets count from headers, and
// the world does not say where these are. Where no place of a header would do, there is nothing.
func (m *machine) fromPacket(off int32, size int) (v value, there bool, err error) {
	if off < 0 {
		beyond := int64(off) - netBase
		if off < netBase {
			beyond = int64(off) - linkBase
		}
		if 0 <= beyond && beyond <= int64(len(m.packet)-size) {
			return value{}, false, errHeader
		}
		return value{}, false, nil
	}
	if int64(off) > int64(len(m.packet)-size) {
		return value{}, false, nil
	}
	n := uint64(0)
	for _, b := range m.packet[off : int(off)+size] {
		n = n<<8 | uint64(b)
	}
	return num(n), true, nil
}

// skbLoadBytes is bpf_skb_load_bytes(skb, offset, to, len).
func (m *machine) skbLoadBytes() (value, error) {
	if m.regs[asm.R1] != (value{kind: inCtx}) {
		return value{}, errors.New("r1 does not hold the context")
	}
	if m.w.CtxKind != CtxSkb {
		return value{}, errNoPacket
	}
	n, err := m.size(asm.R4)
	if err != nil {
		return value{}, err
	}
	off, known, err := m.arg(asm.R2)
	if err != nil {
		return value{}, err
	}
	to := m.regs[asm.R3]
	if err := m.inside(to, n, "writes"); err != nil {
		return value{}, err
	}
	data, at := make([]byte, n), uint32(off)
	switch {
	case n == 0:
		return efault.value(), nil
	case !known:
		return value{kind: anything}, m.write(to, data, false)
	case int64(at)+int64(n) > int64(len(m.packet)):
		return efault.value(), m.write(to, data, true)
	}
	copy(data, m.packet[at:])
	return num(0), m.write(to, data, true)
}
