package workload

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/cilium/ebpf"

	"tailpoke/jit"
	"tailpoke/jit/host"
	"tailpoke/jit/interp"
	"tailpoke/stress/internal/live"
)

// chooseContext gives the workload a context with the first packet on which the entry takes a tail call,
// or may take one for all that is known.
func (w *Workload) chooseContext(t ebpf.ProgramType) {
	w.Context = ContextOf(t, DefaultPacket())
	if w.Context.Packet == nil {
		return
	}
	for _, c := range w.Contexts() {
		o, err := explored(context.Background(), w, &jit.V612, c, glance)
		if err != nil {
			return
		}
		if slices.ContainsFunc(o.Outcomes(), func(o live.Outcome) bool { return o.Tail }) {
			w.Context = c
			return
		}
	}
}

// glance is how many states are explored for a first look.
const glance = 256

// Contexts are the contexts that the entry may be given: those with the packets that we have, and what
// another program may have left in cb; or those with numbers, and with addresses of kernel objects, also
// where the function that a probe sits on has returned that it did something.
func (w *Workload) Contexts() []Context {
	if w.Context.Packet == nil {
		objects := w.Context
		objects.Objects, objects.Unknown = true, [][2]int{{0, len(objects.Bytes)}}
		objects.Bytes = make([]byte, len(objects.Bytes))
		did := objects
		did.Bytes = host.PtRegs()
		did.Bytes[host.PtRegsReturned] = 1
		if len(did.Bytes) != len(objects.Bytes) { // these are no registers
			return []Context{w.Context, objects}
		}
		return []Context{w.Context, objects, did}
	}
	var out []Context
	for _, cb := range []uint32{0, 1} {
		for _, packet := range packets() {
			c := w.Context
			c.Packet, c.Bytes = packet, slices.Clone(c.Bytes)
			if c.Kind == interp.CtxSkb {
				binary.LittleEndian.PutUint32(c.Bytes, uint32(len(packet)))
				copy(c.Bytes[skbProtocol:], packet[etherType:etherType+2])
				for i := range 5 {
					binary.LittleEndian.PutUint32(c.Bytes[generatedCB+generatedWord*i:], cb)
				}
			}
			out = append(out, c)
		}
	}
	return out
}

// Offsets in Ethernet frames, and numbers of protocols.
const (
	etherType = 12
	network   = 14 // where its header begins
	ipProto   = network + 9
	ip6Proto  = network + 6
	ip6Next   = network + 40
	udp       = 17
	icmp      = 1
	icmp6     = 58
)

// skbProtocol is where struct __sk_buff has the frame's type.
const skbProtocol = 16

// packets are frames of 64 bytes, or a little more, that programs tell apart, the default one first.
func packets() [][]byte {
	tcp4 := DefaultPacket()
	udp4, icmp4 := slices.Clone(tcp4), slices.Clone(tcp4)
	udp4[ipProto], icmp4[ipProto] = udp, icmp
	icmp4[network+20] = 8 // echo request
	tcp6 := make([]byte, 96)
	copy(tcp6, tcp4[:network])
	tcp6[etherType], tcp6[etherType+1] = 0x86, 0xdd
	copy(tcp6[network:], []byte{0x60, 0, 0, 0, 0, 42, 6, 64, 0xfd, 0, 0, 0})
	tcp6[network+23], tcp6[network+24], tcp6[network+39] = 1, 0xfd, 2
	copy(tcp6[ip6Next:], tcp4[network+20:])
	udp6, solicit := slices.Clone(tcp6), slices.Clone(tcp6)
	udp6[ip6Proto], solicit[ip6Proto] = udp, icmp6
	solicit[ip6Next] = 135 // neighbor solicitation
	arp := make([]byte, 64)
	copy(arp, tcp4[:network])
	copy(arp[etherType:], []byte{0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1}) // request
	unaddressed := slices.Clone(tcp4)                                    // as frames of the kernel's tests are
	clear(unaddressed[:etherType])
	return [][]byte{tcp4, tcp6, udp4, icmp4, solicit, udp6, arp, unaddressed}
}
