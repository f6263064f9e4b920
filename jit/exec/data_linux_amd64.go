package exec

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Data is memory outside the Go heap that images read, such as a prog array.
type Data struct{ mem []byte }

// NewData maps size bytes of zeroes.
func NewData(size int) (*Data, error) { return newData(size, 0) }

// NewLowData maps size bytes of zeroes at an address below 2 GiB, which a word of 32 bits holds.
func NewLowData(size int) (*Data, error) { return newData(size, unix.MAP_32BIT) }

func newData(size, flags int) (*Data, error) {
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON|flags)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of data: %w", size, err)
	}
	return &Data{mem}, nil
}

// Close unmaps the memory. No image may read it any more.
func (d *Data) Close() error { return unix.Munmap(d.mem) }

// Addr returns the address of the byte at off.
func (d *Data) Addr(off int) uint64 { return address(&d.mem[off]) }

// At returns n bytes at an address, nil if they are not all of the data's.
func (d *Data) At(addr uint64, n int) []byte { return memory{d.mem, d.Addr(0)}.at(addr, n) }

// Store4 writes a 4-byte word, atomically where it is aligned.
func (d *Data) Store4(off int, v uint32) {
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&d.mem[off : off+4][0])), v)
}

// Store8 writes an 8-byte word, atomically where it is aligned.
func (d *Data) Store8(off int, v uint64) {
	atomic.StoreUint64((*uint64)(unsafe.Pointer(&d.mem[off : off+8][0])), v)
}
