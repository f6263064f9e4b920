package host

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strconv"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
)

// objectSize is the size of the memory that stands for kernel objects, and roomSize that of what a
// thread reserves in a ring buffer, in bytes.
const (
	objectSize = 256 << 10
	roomSize   = 64 << 10
)

// makeObject makes the memory that every address of a kernel object leads to, whichever object and
// whatever its type: each of its words is the address of its middle again, so that a program may follow
// addresses as far as it likes. It is low, so that as a number of 32 bits each of them is positive.
func (h *Host) makeObject() error {
	var err error
	if h.object, err = exec.NewLowData(objectSize); err != nil {
		return err
	}
	for off := 0; off < objectSize; off += 8 {
		h.object.Store8(off, h.Object())
	}
	for i := range h.cpus {
		if h.cpus[i].room, err = exec.NewData(roomSize); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) closeObject() error {
	if h.object == nil {
		return nil
	}
	errs := []error{h.object.Close()}
	for i := range h.cpus {
		if h.cpus[i].room != nil {
			errs = append(errs, h.cpus[i].room.Close())
		}
	}
	return errors.Join(errs...)
}

// Object is the address of a kernel object, of a host with Config.Any.
func (h *Host) Object() uint64 { return h.object.Addr(objectSize / 2) }

// inObject finds n bytes of such memory.
func (h *Host) inObject(c *exec.HelperCall, addr uint64, n int) []byte {
	if h.object == nil {
		return nil
	}
	if b := h.cpus[c.Thread].room.At(addr, n); b != nil {
		return b
	}
	return h.object.At(addr, n)
}

// chance is true once in n times.
func (h *Host) chance(c *exec.HelperCall, n uint64) bool {
	return h.cpus[c.Thread].random.Uint64()%n == 0
}

// any answers a helper that the host does not know, within what its signature allows, and some whose
// result a program depends on.
func (h *Host) any(fn jit.Helper, c *exec.HelperCall) (uint64, bool) {
	switch asm.BuiltinFunc(fn) {
	case asm.FnRingbufReserve:
		if c.Args[1] > roomSize || h.chance(c, 16) {
			return 0, true
		}
		return h.cpus[c.Thread].room.Addr(0), true
	case asm.FnProbeReadStr, asm.FnProbeReadKernelStr, asm.FnProbeReadUserStr:
		return h.probeReadStr(c), true
	case asm.FnStrtol, asm.FnStrtoul:
		return h.strto(fn, c), true
	case asm.FnStrncmp:
		a, b := h.bytes(c, c.Args[0], c.Args[1]), h.bytes(c, c.Args[2], 1)
		if a == nil || b == nil {
			return 1, true
		}
		return uint64(int64(int(a[0]) - int(b[0]))), true
	case asm.FnCsumDiff:
		return h.csumDiff(c), true
	case asm.FnSkbStoreBytes:
		return h.skbStoreBytes(c), true
	case asm.FnGetCurrentPidTgid:
		return 1000<<32 | uint64(1000+c.Thread), true
	case asm.FnMapLookupPercpuElem:
		return 0, true
	case asm.FnPerfEventOutput, asm.FnRingbufOutput, asm.FnSpinLock, asm.FnSpinUnlock, asm.FnRingbufSubmit, asm.FnRingbufDiscard:
		return 0, true
	}
	sig, known := jit.SignatureOf(fn)
	succeeds := !h.chance(c, 4)
	for _, s := range sig.Writes {
		h.fill(c, s, succeeds)
	}
	switch {
	case fn == jit.KernelFunction || sig.Returns == jit.ReturnsAddress:
		return h.Object(), true
	case fn == jit.KernelNext || sig.Returns == jit.ReturnsAddressOrNull:
		if h.chance(c, 2) {
			return 0, true
		}
		return h.Object(), true
	case !known || succeeds:
		return 0, true
	}
	return einval.rax(), true
}

// fill fills memory that a helper writes: with anything if it succeeds, with zeroes if it fails.
func (h *Host) fill(c *exec.HelperCall, s jit.Span, anything bool) {
	n := uint64(s.Fixed)
	if s.Size != asm.R0 {
		n = uint64(uint32(c.Args[s.Size-asm.R1]))
	}
	b := h.bytes(c, c.Args[s.At-asm.R1], n)
	for i := range b {
		b[i] = 0
		if anything {
			b[i] = byte(h.cpus[c.Thread].random.Uint64())
		}
	}
}

// appear gives a key that is looked up some value, now and then, as others may at any time: in a hash
// mostly one that is not there, in an array of each CPU's own any.
func (h *Host) appear(m *Map, key []byte, cpu int) {
	random := &h.cpus[cpu].random
	now := random.Uint64()
	if m.hash == nil && !m.spec.Given || m.spec.Kind == Array || m.spec.ValueSize > maxLine || now%2 != 0 {
		return
	}
	value := h.cpus[cpu].line[:m.spec.ValueSize]
	h.some(value, random)
	flags := noExist
	if m.hash == nil || now%16 == 0 {
		flags = anyElem
	}
	m.update(key, value, flags, cpu)
}

// some is some value: bits, or words that are small, or addresses of kernel objects.
func (h *Host) some(value []byte, random *rand.PCG) {
	kind := random.Uint64() % 4
	for i := range value {
		if i%8 == 0 {
			clear(value[i:min(i+8, len(value))])
		}
		r := random.Uint64()
		switch {
		case kind == 0:
			value[i] = byte(r)
		case kind == 1 && i%4 == 0, kind == 2 && i%8 == 0 && r>>8%2 == 0:
			value[i] = fields[r%uint64(len(fields))]
		case kind == 2 && i%8 == 0 && i+8 <= len(value):
			binary.LittleEndian.PutUint64(value[i:], h.Object())
		}
	}
}

// fields are what small fields of kernel objects hold often, families and protocols among them.
var fields = [...]byte{0, 1, 2, 3, 4, 6, 10, 17}

// field is what a program finds that reads some bytes of a kernel object: an address, or where they are
// fewer, some small number.
func (h *Host) field(dst []byte, c *exec.HelperCall) {
	random := &h.cpus[c.Thread].random
	if len(dst) == 1 || len(dst) == 2 || len(dst) == 4 {
		clear(dst)
		dst[0] = fields[random.Uint64()%uint64(len(fields))]
		return
	}
	if r := random.Uint64(); len(dst) > 8 && r%2 == 0 {
		n := copy(dst, texts[r>>8%uint64(len(texts))])
		clear(dst[n:])
		return
	}
	for i := range dst {
		dst[i] = byte(h.Object() >> (i % 8 * 8))
	}
}

// texts are what longer reads find now and then: what programs look for that know protocols.
var texts = [...]string{"", "GET /index.html HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 200 OK\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01"}

// maxGiven bounds the elements of an array that are given values.
const maxGiven = 1 << 10

// give gives the elements of an array some values.
func (h *Host) give(m *Map) {
	for cpu := range m.cpus {
		for i := range min(m.spec.MaxEntries, maxGiven) {
			addr, _ := m.index(binary.LittleEndian.AppendUint32(nil, uint32(i)), cpu)
			h.some(m.value(addr), &h.cpus[cpu].random)
		}
	}
}

// probeReadStr is bpf_probe_read_kernel_str(dst, size, address): what it returns is the length, with
// the zero.
func (h *Host) probeReadStr(c *exec.HelperCall) uint64 {
	dst := h.bytes(c, c.Args[0], uint64(uint32(c.Args[1])))
	if len(dst) == 0 {
		return efault.rax()
	}
	for i := range dst {
		b := h.bytes(c, c.Args[2]+uint64(i), 1)
		switch {
		case b == nil:
			clear(dst)
			return efault.rax()
		case i == len(dst)-1:
			dst[i] = 0
		default:
			dst[i] = b[0]
		}
		if dst[i] == 0 {
			return uint64(i + 1)
		}
	}
	return efault.rax()
}

// strto is bpf_strtol(text, size, flags, result) or bpf_strtoul: it returns how many bytes it read.
func (h *Host) strto(fn jit.Helper, c *exec.HelperCall) uint64 {
	text, to := h.bytes(c, c.Args[0], c.Args[1]), h.bytes(c, c.Args[3], 8)
	if len(text) == 0 || to == nil {
		return einval.rax()
	}
	blank := len(text) - len(bytes.TrimLeft(text, " \t\n"))
	n := blank
	if asm.BuiltinFunc(fn) == asm.FnStrtol && n < len(text) && text[n] == '-' {
		n++
	}
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	v, err := strconv.ParseInt(string(text[blank:n]), 10, 64)
	if err != nil {
		return einval.rax()
	}
	binary.LittleEndian.PutUint64(to, uint64(v))
	return uint64(n)
}

// csumDiff is bpf_csum_diff(from, size, to, size, seed), a sum of 32-bit words with carry.
func (h *Host) csumDiff(c *exec.HelperCall) uint64 {
	from, to := h.bytes(c, c.Args[0], c.Args[1]), h.bytes(c, c.Args[2], c.Args[3])
	sum := uint64(uint32(c.Args[4]))
	for i := 0; i+4 <= len(from); i += 4 {
		sum += uint64(^binary.LittleEndian.Uint32(from[i:]))
	}
	for i := 0; i+4 <= len(to); i += 4 {
		sum += uint64(binary.LittleEndian.Uint32(to[i:]))
	}
	for sum>>32 != 0 {
		sum = sum&0xffffffff + sum>>32
	}
	return sum
}

// skbStoreBytes is bpf_skb_store_bytes(skb, offset, from, len, flags).
func (h *Host) skbStoreBytes(c *exec.HelperCall) uint64 {
	to, from := h.load(uint64(uint32(c.Args[1])), c.Args[3]), h.bytes(c, c.Args[2], c.Args[3])
	if to == nil || from == nil {
		return efault.rax()
	}
	copy(to, from)
	return 0
}
