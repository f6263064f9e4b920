package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"tailpoke/jit/exec"
)

// A watchDump copies images: bpf(2) reads straight from the text that is executed, while it is
// poked. Its memory has a fixed address, so that a copy costs a system call and nothing else.
type watchDump struct {
	data   *exec.Data
	attr   []byte // of BPF_OBJ_GET_INFO_BY_FD
	info   []byte // the beginning of struct bpf_prog_info, as far as it is of use
	copies [watchCopies][]byte
	made   int    // of the image at hand
	cpu    []byte // where onCPU has the answer

	// fill makes copy number to of the first bytes of an image; tests make their own.
	fill func(prog *ebpf.Program, bytes, to int) error

	addrs struct {
		attr, info, cpu uint64
		copies          [watchCopies]uint64
	}
}

// watchCopies is how many copies of an image are compared at most.
const watchCopies = 4

// Both structures, by the offsets of their fields. What follows in bpf_prog_info asks for more than
// the machine code where it is not zero, and is left out.
const (
	attrSize    = 16
	attrFD      = 0
	attrInfoLen = 4
	attrInfo    = 8

	infoSize     = 32
	infoJitedLen = 16
	infoXlated   = 20
	infoJited    = 24

	watchLine = 64 // each piece begins at a cache line
)

// Errors of reading images.
var (
	errWatchHidden = errors.New("the kernel does not show machine code: " +
		"that needs CAP_BPF, and kernel.kptr_restrict at 0, or at 1 with CAP_SYSLOG")
	errWatchHere = errors.New("images are watched on linux/amd64 alone")
)

// newWatchDump makes room for images of up to so many bytes.
func newWatchDump(largest int) (*watchDump, error) {
	room := (largest + watchLine - 1) / watchLine * watchLine
	data, err := exec.NewData(3*watchLine + watchCopies*room)
	if errors.Is(err, exec.ErrUnsupported) {
		return nil, errWatchHere
	}
	if err != nil {
		return nil, err
	}
	d := &watchDump{data: data}
	d.fill = d.read
	piece := func(at, n int) ([]byte, uint64) {
		addr := data.Addr(at)
		return data.At(addr, n), addr
	}
	d.attr, d.addrs.attr = piece(0, attrSize)
	d.info, d.addrs.info = piece(watchLine, infoSize)
	d.cpu, d.addrs.cpu = piece(2*watchLine, 4)
	for i := range d.copies {
		d.copies[i], d.addrs.copies[i] = piece(3*watchLine+i*room, largest)
	}
	return d, nil
}

// try reads an image once, and says what is missing.
func (d *watchDump) try(prog *ebpf.Program, size int) error {
	if err := d.fill(prog, size, 0); err != nil {
		return err
	}
	switch n := binary.LittleEndian.Uint32(d.info[infoJitedLen:]); {
	case n == 0 || binary.LittleEndian.Uint64(d.info[infoJited:]) == 0:
		return errWatchHidden
	case int(n) != size:
		return fmt.Errorf("the image is of %d bytes, not %d", n, size)
	}
	return nil
}

// twice makes two copies of an image, one after the other.
func (d *watchDump) twice(m *watched) error {
	d.made = 0
	return d.again(m, 2)
}

// again makes n copies more.
func (d *watchDump) again(m *watched, n int) error {
	for range n {
		if err := d.fill(m.prog, m.bytes, d.made); err != nil {
			return err
		}
		d.made++
	}
	return nil
}

// read is fill by way of bpf(2).
func (d *watchDump) read(prog *ebpf.Program, bytes, to int) error {
	le := binary.LittleEndian
	clear(d.info)
	le.PutUint32(d.info[infoJitedLen:], uint32(bytes))
	le.PutUint64(d.info[infoJited:], d.addrs.copies[to])
	le.PutUint32(d.attr[attrFD:], uint32(prog.FD()))
	le.PutUint32(d.attr[attrInfoLen:], infoSize)
	le.PutUint64(d.attr[attrInfo:], d.addrs.info)
	return objectInfo(d.addrs.attr, attrSize)
}

// at returns the bytes of a slot that begins at off, and whether all copies that were made have
// the same.
func (d *watchDump) at(off int) (b slotBytes, steady bool) {
	b = slotBytes(d.copies[0][off:])
	for _, c := range d.copies[1:d.made] {
		if slotBytes(c[off:]) != b {
			return b, false
		}
	}
	return b, true
}

// onCPU returns the CPU that the caller is on.
func (d *watchDump) onCPU() int {
	storeCPU(d.addrs.cpu)
	return int(binary.LittleEndian.Uint32(d.cpu))
}

func (d *watchDump) close() error { return d.data.Close() }
