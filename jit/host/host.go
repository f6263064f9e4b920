package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
)

// MaxPacket is the largest packet, in bytes.
const MaxPacket = 64 << 10

// Config says what a host has.
type Config struct {
	Layout *jit.Layout        // of arrays, as images read them
	Maps   map[string]MapSpec // by the symbol that programs load; prog arrays are not the host's
	CPUs   int                // threads that may call, by their numbers; 0 is one
	Packet []byte             // what skb contexts refer to

	// Any says that the host answers helpers that it does not know, and kernel functions, by chance and
	// within their signatures, and that now and then a hash has the key that is looked up, as if someone
	// had put it there.
	Any bool

	Seed  uint64                             // of bpf_get_prandom_u32, and of other chance
	Trace func(line []byte)                  // gets what bpf_trace_printk prints; it must not keep it
	Probe func(addr uint64, dst []byte) bool // reads for bpf_probe_read what is not the image's
}

// Host is the surroundings of images. Its methods are safe for concurrent use but for those that
// say so.
type Host struct {
	cfg    Config
	maps   map[string]*Map
	byAddr map[uint64]*Map
	memory []*Map     // the same, to look addresses up among
	packet *exec.Data // below 2 GiB: programs load its address as 32 bits
	length int        // of the packet
	object *exec.Data // what addresses of kernel objects lead to
	cpus   []cpu
	start  time.Time
}

// A cpu is what helpers keep for one thread.
type cpu struct {
	random rand.PCG
	room   *exec.Data    // what is reserved in ring buffers
	line   [maxLine]byte // what it prints
	text   [maxText]byte // a string in it
	_      [64]byte
}

// New makes a host. Close gives its memory back.
func New(cfg Config) (*Host, error) {
	if cfg.Layout == nil {
		return nil, errors.New("host without a layout")
	}
	h := &Host{cfg: cfg, maps: map[string]*Map{}, byAddr: map[uint64]*Map{}, start: time.Now()}
	h.cpus = make([]cpu, max(cfg.CPUs, 1))
	for i := range h.cpus {
		h.cpus[i].random.Seed(cfg.Seed, uint64(i))
	}
	if err := h.build(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *Host) build() error {
	if h.cfg.Any || h.namesObjects() {
		if err := h.makeObject(); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.cfg.Maps)) {
		m, err := newMap(h.cfg.Maps[name], h.cfg.Layout, len(h.cpus))
		if err != nil {
			return fmt.Errorf("map %s: %w", name, err)
		}
		if h.cfg.Any && h.cfg.Maps[name].Given {
			h.give(m)
		}
		if m.spec.Object {
			m.info.Values = h.Object()
		}
		h.maps[name] = m
		h.byAddr[m.info.Addr] = m
		h.memory = append(h.memory, m)
	}
	if h.cfg.Packet == nil {
		return nil
	}
	var err error
	if h.packet, err = exec.NewLowData(MaxPacket); err != nil {
		return err
	}
	return h.SetPacket(h.cfg.Packet)
}

// namesObjects says whether programs name an object of the kernel.
func (h *Host) namesObjects() bool {
	for _, m := range h.cfg.Maps {
		if m.Object {
			return true
		}
	}
	return false
}

// Close gives the host's memory back. No image may run any more.
func (h *Host) Close() error {
	var errs []error
	for _, m := range h.maps {
		errs = append(errs, m.data.Close())
	}
	if h.packet != nil {
		errs = append(errs, h.packet.Close())
	}
	return errors.Join(append(errs, h.closeObject())...)
}

// MapInfo is what the compiler must know of the host's maps.
func (h *Host) MapInfo() map[string]jit.MapInfo {
	infos := map[string]jit.MapInfo{}
	for name, m := range h.maps {
		infos[name] = m.info
	}
	return infos
}

// Map returns a map, nil if there is none of the name.
func (h *Host) Map(name string) *Map { return h.maps[name] }

// SetPacket exchanges the packet's bytes. No image may run meanwhile, and contexts made before
// refer to the packet as it was.
func (h *Host) SetPacket(packet []byte) error {
	if h.packet == nil {
		return errors.New("host without a packet")
	}
	if len(packet) > MaxPacket {
		return fmt.Errorf("packet of %d bytes: at most %d", len(packet), MaxPacket)
	}
	copy(h.packet.At(h.packet.Addr(0), MaxPacket), packet)
	h.length = len(packet)
	return nil
}

// bytes finds n bytes of memory that an image may touch, nil if they are not that.
func (h *Host) bytes(c *exec.HelperCall, addr uint64, n uint64) []byte {
	if b := c.Bytes(addr, int(n)); b != nil {
		return b
	}
	if b := h.load(addr-h.packetAddr(), n); b != nil {
		return b
	}
	for _, m := range h.memory {
		if b := m.within(addr, int(n)); b != nil {
			return b
		}
	}
	return h.inObject(c, addr, int(n))
}

func (h *Host) packetAddr() uint64 {
	if h.packet == nil {
		return 0
	}
	return h.packet.Addr(0)
}

// load returns n bytes of the packet, nil if it has fewer.
func (h *Host) load(off, n uint64) []byte {
	if h.packet == nil || off > uint64(h.length) || n > uint64(h.length)-off {
		return nil
	}
	return h.packet.At(h.packet.Addr(0)+off, int(n))
}

// Contexts as the UAPI has them, in bytes.
const (
	SkbSize    = 192 // struct __sk_buff
	XDPSize    = 24  // struct xdp_md
	PtRegsSize = 168 // struct pt_regs of x86-64
)

// PtRegsReturned is where struct pt_regs has what a function returned: rax.
const PtRegsReturned = 80

// Offsets in struct __sk_buff.
const (
	skbLen      = 0
	skbData     = 76
	skbDataEnd  = 80
	skbDataMeta = 140
)

// Skb writes the packet's length and addresses into a struct __sk_buff. A program loads them as
// they are, 32 bits each: nothing rewrites its loads.
func (h *Host) Skb(skb []byte) {
	data := uint32(h.packetAddr())
	binary.LittleEndian.PutUint32(skb[skbLen:], uint32(h.length))
	binary.LittleEndian.PutUint32(skb[skbData:], data)
	binary.LittleEndian.PutUint32(skb[skbDataEnd:], data+uint32(h.length))
	binary.LittleEndian.PutUint32(skb[skbDataMeta:], data)
}

// XDP writes the packet's addresses into a struct xdp_md: data, data_end and data_meta come first.
func (h *Host) XDP(md []byte) {
	data := uint32(h.packetAddr())
	for i, v := range []uint32{data, data + uint32(h.length), data} {
		binary.LittleEndian.PutUint32(md[4*i:], v)
	}
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
