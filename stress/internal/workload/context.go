package workload

import (
	"encoding/binary"
	"slices"

	"github.com/cilium/ebpf"

	"tailpoke/jit/host"
	"tailpoke/jit/interp"
)

// plainSize is the size of a context that is no packet's and no function's, in bytes.
const plainSize = 512

// Context is what R1 points to.
type Context struct {
	Bytes   []byte
	Kind    interp.CtxKind
	Packet  []byte   // of a context that has one
	Unknown [][2]int // ranges of Bytes, [from, to), of which nothing is known
	Objects bool     // its words are addresses of kernel objects, as far as anybody knows
}

// ContextOf makes a context for a program of a type, with a packet if it takes one. A program
// reads it as it is: the loads that the kernel's verifier would rewrite are not.
func ContextOf(t ebpf.ProgramType, packet []byte) Context {
	switch t {
	case ebpf.SocketFilter, ebpf.SchedCLS, ebpf.SchedACT, ebpf.CGroupSKB, ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit:
		return Context{Bytes: skb(packet), Kind: interp.CtxSkb, Packet: packet}
	case ebpf.XDP:
		return Context{Bytes: make([]byte, host.XDPSize), Kind: interp.CtxXDP, Packet: packet}
	case ebpf.Kprobe:
		return Context{Bytes: host.PtRegs(1, 2, 3, 4, 5, 6)}
	case ebpf.Tracing, ebpf.LSM, ebpf.RawTracepoint, ebpf.RawTracepointWritable, ebpf.StructOps:
		return Context{Bytes: make([]byte, plainSize), Unknown: [][2]int{{0, plainSize}}, Objects: true}
	}
	return Context{Bytes: make([]byte, plainSize)}
}

// skb makes a struct __sk_buff. Where the packet lies, host.Skb fills in.
func skb(packet []byte) []byte {
	b := make([]byte, host.SkbSize)
	for _, f := range []struct {
		off   int // of the field in struct __sk_buff
		value uint32
	}{
		{0, uint32(len(packet))}, // len
		{8, 7},                   // mark
		{12, 2},                  // queue_mapping
		{16, 0x0008},             // protocol: IPv4 in network order
		{36, 1},                  // ingress_ifindex
	} {
		binary.LittleEndian.PutUint32(b[f.off:], f.value)
	}
	return b
}

// DefaultPacket is 64 bytes of TCP over IPv4 over Ethernet, from 10.0.0.1:4660 to 10.0.0.2:80.
func DefaultPacket() []byte {
	return []byte{
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00,
		0x45, 0, 0, 50, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0x20, 0, 0, 0, 0, 0,
		'p', 'o', 'k', 'e', 'd', ' ', 'l', 'i', 'v', 'e',
	}
}

// WithoutPacket is the context with a packet of no bytes at a made-up address, for a machine that
// has no memory for one: a program that looks for the packet's end finds it at once.
func (c Context) WithoutPacket() Context {
	if c.Kind == interp.CtxPlain {
		return c
	}
	const somewhere = 0x1000
	c.Packet, c.Bytes = nil, slices.Clone(c.Bytes)
	for _, off := range c.Kind.Bounds() {
		binary.LittleEndian.PutUint32(c.Bytes[off:], somewhere)
	}
	return c
}
