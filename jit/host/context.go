package host

import "encoding/binary"

// Contexts as the UAPI has them, in bytes.
const (
	SkbSize    = 192 // struct __sk_buff
	PtRegsSize = 168 // struct pt_regs of x86-64
)

// Offsets in struct __sk_buff.
const (
	skbLen     = 0
	skbData    = 76
	skbDataEnd = 80
)

// Skb writes the packet's length and addresses into a struct __sk_buff. A program loads them as
// they are, 32 bits each: nothing rewrites its loads.
func (h *Host) Skb(skb []byte) {
	data := uint32(h.packetAddr())
	binary.LittleEndian.PutUint32(skb[skbLen:], uint32(h.length))
	binary.LittleEndian.PutUint32(skb[skbData:], data)
	binary.LittleEndian.PutUint32(skb[skbDataEnd:], data+uint32(h.length))
}

// PtRegs makes a struct pt_regs of a function that was called with the given arguments, at most
// six: what a program attached to its entry gets.
func PtRegs(args ...uint64) []byte {
	regs := make([]byte, PtRegsSize)
	offsets := [...]int{112, 104, 96, 88, 72, 64} // rdi rsi rdx rcx r8 r9
	for i, a := range args {
		binary.LittleEndian.PutUint64(regs[offsets[i]:], a)
	}
	return regs
}
