package host

import (
	"encoding/binary"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
)

// errno is an error as a helper returns it.
type errno int64

// The errors that helpers return, with the kernel's numbers.
const (
	enoent errno = -2
	e2big  errno = -7
	efault errno = -14
	eexist errno = -17
	einval errno = -22
	erange errno = -34
)

func (e errno) rax() uint64 { return uint64(int64(e)) }

// Call carries out a helper. It refuses addresses of memory that no image may touch, and threads
// that the host has no CPU for.
func (h *Host) Call(c *exec.HelperCall) (rax uint64, ok bool) {
	if c.Thread >= len(h.cpus) {
		return 0, false
	}
	switch fn := jit.Helper(c.Fn); fn {
	case jit.MapLookupElem, jit.MapUpdateElem, jit.MapDeleteElem:
		return h.mapCall(fn, c)
	case jit.ProbeRead, jit.ProbeReadUser, jit.ProbeReadKernel:
		return h.probeRead(fn, c)
	case jit.KtimeGetNs:
		return uint64(time.Since(h.start)), true
	case jit.TracePrintk:
		return h.tracePrintk(c)
	case jit.GetPrandomU32:
		return uint64(uint32(h.cpus[c.Thread].random.Uint64())), true
	case jit.GetSmpProcessorID:
		return uint64(c.Thread), true
	case jit.SkbLoadBytes:
		return h.skbLoadBytes(c)
	case jit.LoadPacket8, jit.LoadPacket16, jit.LoadPacket32:
		return h.loadPacket(c, uint64(fn&0xff))
	}
	if h.cfg.Any {
		return h.any(jit.Helper(c.Fn), c)
	}
	return 0, false
}

// Knows says whether a host carries a helper out, with or without Config.Any.
func Knows(h jit.Helper) bool {
	switch h {
	case jit.MapLookupElem, jit.MapUpdateElem, jit.MapDeleteElem, jit.ProbeRead, jit.ProbeReadUser, jit.ProbeReadKernel,
		jit.KtimeGetNs, jit.TracePrintk, jit.GetPrandomU32, jit.GetSmpProcessorID, jit.SkbLoadBytes,
		jit.LoadPacket8, jit.LoadPacket16, jit.LoadPacket32:
		return true
	}
	return false
}

// refuse names the address that an image should not have given.
func refuse(c *exec.HelperCall, addr uint64) (uint64, bool) {
	c.Bad = addr
	return 0, false
}

// opaque is what helpers answer of a map that has no elements here.
var opaque = map[jit.Helper]errno{jit.MapLookupElem: 0, jit.MapUpdateElem: 0, jit.MapDeleteElem: enoent}

// mapCall is a helper whose arguments are a map and a key.
func (h *Host) mapCall(fn jit.Helper, c *exec.HelperCall) (uint64, bool) {
	m := h.byAddr[c.Args[0]]
	if m == nil {
		return refuse(c, c.Args[0])
	}
	if m.spec.Kind == Opaque {
		return opaque[fn].rax(), true
	}
	key := h.bytes(c, c.Args[1], uint64(m.spec.KeySize))
	if key == nil {
		return refuse(c, c.Args[1])
	}
	switch fn {
	case jit.MapLookupElem:
		if h.cfg.Any {
			h.appear(m, key, c.Thread)
		}
		return m.lookup(key, c.Thread), true
	case jit.MapDeleteElem:
		return m.delete(key).rax(), true
	}
	value := h.bytes(c, c.Args[2], uint64(m.spec.ValueSize))
	if value == nil {
		return refuse(c, c.Args[2])
	}
	return m.update(key, value, c.Args[3], c.Thread).rax(), true
}

// userEnd is where addresses end that bpf_probe_read_kernel does not even try.
const userEnd = 1 << 47

// probeRead is bpf_probe_read(dst, size, address): what cannot be read is zero.
func (h *Host) probeRead(fn jit.Helper, c *exec.HelperCall) (uint64, bool) {
	size, from := uint64(uint32(c.Args[1])), c.Args[2]
	dst := h.bytes(c, c.Args[0], size)
	if dst == nil {
		return refuse(c, c.Args[0])
	}
	if h.object != nil && h.object.At(from, int(size)) != nil {
		h.field(dst, c)
		return 0, true
	}
	if src := h.bytes(c, from, size); src != nil {
		copy(dst, src)
		return 0, true
	}
	if h.cfg.Probe != nil && h.cfg.Probe(from, dst) {
		return 0, true
	}
	clear(dst)
	switch {
	case fn == jit.ProbeReadKernel && from < userEnd:
		return erange.rax(), true
	case size == 0:
		return 0, true
	}
	return efault.rax(), true
}

// skbLoadBytes is bpf_skb_load_bytes(skb, offset, to, len): past the packet's end it finds zeroes.
func (h *Host) skbLoadBytes(c *exec.HelperCall) (uint64, bool) {
	if c.Args[0] != c.Ctx {
		return refuse(c, c.Args[0])
	}
	n := uint64(uint32(c.Args[3]))
	to := h.bytes(c, c.Args[2], n)
	if to == nil {
		return refuse(c, c.Args[2])
	}
	from := h.load(uint64(uint32(c.Args[1])), n)
	if from == nil || n == 0 {
		clear(to)
		return efault.rax(), true
	}
	copy(to, from)
	return 0, true
}

func (h *Host) loadPacket(c *exec.HelperCall, n uint64) (uint64, bool) {
	if c.Args[0] != c.Ctx {
		return refuse(c, c.Args[0])
	}
	b := h.load(uint64(uint32(c.Args[1])), n)
	switch {
	case b == nil:
		return efault.rax(), true
	case n == 1:
		return uint64(b[0]), true
	case n == 2:
		return uint64(binary.BigEndian.Uint16(b)), true
	}
	return uint64(binary.BigEndian.Uint32(b)), true
}
