package stress

import (
	"encoding/binary"

	"github.com/cilium/ebpf"
)

// skbSize is the size of the UAPI's struct __sk_buff, in bytes, and otherSize that of
// every other context: plain memory full of zeroes.
const (
	skbSize   = 192
	otherSize = 512
)

// contextOf makes the memory that a program of the given type gets in R1. A program
// reads it as it is: the loads that the kernel's verifier would rewrite are not.
func contextOf(t ebpf.ProgramType) []byte {
	switch t {
	case ebpf.SocketFilter, ebpf.SchedCLS, ebpf.SchedACT, ebpf.CGroupSKB, ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit:
	default:
		return make([]byte, otherSize)
	}
	skb := make([]byte, skbSize)
	for _, f := range []struct {
		off   int // of the field in struct __sk_buff
		value uint32
	}{
		{0, 64},      // len
		{8, 7},       // mark
		{12, 2},      // queue_mapping
		{16, 0x0008}, // protocol: IPv4 in network order
		{36, 1},      // ifindex
	} {
		binary.LittleEndian.PutUint32(skb[f.off:], f.value)
	}
	return skb
}
