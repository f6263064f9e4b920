package regress

import (
	"encoding/binary"
	"slices"
)

// Packets that programs are run with. Everything but the fields that programs read is zero.

// plain is for programs that do not look at it.
var plain = zeroes(64)

// packetV4 is 54 bytes of Ethernet, IPv4 and TCP; the addresses of Ethernet are zero.
var packetV4 = slices.Concat(ether(0x0800), ipv4(6, 0, 0), zeroes(20))

func zeroes(n int) []byte { return make([]byte, n) }

// half and word are numbers in network order.
func half(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }

func word(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// ether is a header of Ethernet in front of what the type says.
func ether(kind uint16) []byte { return append(zeroes(12), half(kind)...) }

// vlan is a tag; the one before it says that it comes.
func vlan(id, kind uint16) []byte { return append(half(id), half(kind)...) }

// mpls is a stack of n labels.
func mpls(n int) []byte {
	var out []byte
	for i := range n {
		label := uint32(i+16) << 12
		if i == n-1 {
			label |= 0x100 // the last
		}
		out = append(out, word(label)...)
	}
	return out
}

// ipv4 is a header of 20 bytes.
func ipv4(proto byte, from, to uint32) []byte {
	h := append(zeroes(12), append(word(from), word(to)...)...)
	h[0], h[9] = 0x45, proto
	return h
}

// ipv6 is a header with addresses that are the numbers given.
func ipv6(next byte, from, to uint32) []byte {
	h := slices.Concat(zeroes(8), zeroes(12), word(from), zeroes(12), word(to))
	h[0], h[6] = 0x60, next
	return h
}

// gre has the words that its flags say.
func gre(flags, kind uint16) []byte {
	out := append(half(flags), half(kind)...)
	for _, bit := range []uint16{0x8000, 0x2000, 0x1000} {
		if flags&bit != 0 {
			out = append(out, zeroes(4)...)
		}
	}
	return out
}

// ports is the beginning of TCP or UDP.
func ports(from, to uint16) []byte { return slices.Concat(half(from), half(to), zeroes(4)) }
