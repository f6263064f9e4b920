package interp

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"
)

// CtxKind says what a context is.
type CtxKind uint8

const (
	// CtxPlain is memory without a meaning, such as the registers that a probe gets.
	CtxPlain CtxKind = iota
	// CtxSkb is struct __sk_buff: its fields data and data_end are addresses in the packet.
	// They are read as four bytes, and not written; every other field is the bytes in World.Ctx.
	CtxSkb
	// CtxXDP is struct xdp_md, likewise.
	CtxXDP
)

// ctxBounds are where the addresses of the packet's begin, of its end, and of what comes before the
// packet are, which is nothing, in bytes.
var ctxBounds = [...][3]int{CtxSkb: {76, 80, 140}, CtxXDP: {0, 4, 8}}

// Bounds are the offsets of the fields that are addresses in the packet, of 4 bytes each.
func (k CtxKind) Bounds() []int {
	if k == CtxPlain {
		return nil
	}
	return ctxBounds[k][:]
}

// newContext is a context, of which some ranges of bytes are unknown.
func newContext(b []byte, unknown [][2]int) memory {
	c := memory{bytes: b, marks: bytes.Repeat([]mark{markByte}, len(b))}
	if len(unknown) > 0 {
		c.bytes = slices.Clone(b)
	}
	for _, u := range unknown {
		clear(c.bytes[u[0]:u[1]]) // so that equal states have equal keys
		copy(c.marks[u[0]:u[1]], bytes.Repeat([]mark{markUnknown}, u[1]-u[0]))
	}
	return c
}

// bounds says whether size bytes at an offset touch the packet's bounds.
func (k CtxKind) bounds(at, size int) bool {
	for _, off := range k.Bounds() {
		if at < off+4 && at+size > off {
			return true
		}
	}
	return false
}

func (m *machine) loadCtx(at, size int) (value, error) {
	switch {
	case !m.w.CtxKind.bounds(at, size):
		return m.ctx.load(at, size)
	case size != 4:
	case m.w.packetUnknown && slices.Contains(m.w.CtxKind.Bounds(), at):
		return value{kind: inPacket, loose: true}, nil
	case at == m.w.CtxKind.Bounds()[1]:
		return value{kind: inPacket, n: uint64(len(m.packet))}, nil
	case slices.Contains(m.w.CtxKind.Bounds(), at):
		return value{kind: inPacket}, nil
	}
	return value{}, fmt.Errorf("%w: %d bytes at %+d of the context", errAddress, size, at)
}

func (m *machine) storeCtx(at, size int, v value) error {
	if m.w.CtxKind.bounds(at, size) {
		return fmt.Errorf("writes an address of the packet: %d bytes at %+d of the context", size, at)
	}
	if !m.ownCtx {
		m.ctx, m.ownCtx = m.ctx.clone(), true
	}
	if err := m.ctx.store(at, size, v); err != nil {
		return err
	}
	widen(&m.lo, &m.hi, at, at+size)
	return nil
}

var (
	errNoPacket = errors.New("the context is not of a kind that has a packet")
	errHeader   = errors.New("offset from a header of which nothing is said")
)

func (m *machine) storePacket(at, size int, v value) error {
	switch {
	case m.w.Unknown:
		return m.changePacket()
	case m.w.Shared:
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

// hasPacket says why a register does not hold a context with a packet.
func (m *machine) hasPacket(r asm.Register) error {
	if m.regs[r] != (value{kind: inCtx}) {
		return fmt.Errorf("%v does not hold the context", r)
	}
	if m.w.CtxKind == CtxPlain {
		return errNoPacket
	}
	return nil
}

// legacyLoad runs a load from the packet, the way of cBPF. Past the packet's end the
// function exits.
func (m *machine) legacyLoad(ins *asm.Instruction) (event, error) {
	if err := m.hasPacket(asm.R6); err != nil {
		return goesOn, err
	}
	off := num(0)
	if ins.OpCode.Mode() == asm.IndMode {
		off = m.regs[ins.Src]
	}
	known, err := numbers(off)
	if err != nil {
		return goesOn, err
	}
	known = known && !m.w.packetUnknown
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
	if err := m.hasPacket(asm.R1); err != nil {
		return value{}, err
	}
	a := args{m: m}
	n, to := a.size(asm.R4), m.regs[asm.R3]
	off, known := a.number(asm.R2)
	known = known && !m.w.packetUnknown
	if a.err != nil {
		return value{}, a.err
	}
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
