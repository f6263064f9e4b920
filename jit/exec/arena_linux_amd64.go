package exec

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Arena is executable memory: read and executed at one address, written at another.
// Write writes text that no thread executes; live text is written by StoreAll alone.
// Callers order their stores themselves; an Arena has no lock.
type Arena struct {
	slot int
	rw   []byte
	base uint64 // address of the executable mapping
}

// NewArena maps size bytes of executable memory, full of int3.
func NewArena(size int) (*Arena, error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	if size <= 0 || size > MaxArena || size%os.Getpagesize() != 0 {
		return nil, fmt.Errorf("arena of %d bytes: want whole pages up to %d bytes", size, MaxArena)
	}
	fd, err := codeFile(size)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd) // the mappings keep the memory
	slot, at, err := codeSlots.acquire()
	if err != nil {
		return nil, err
	}
	a, err := mapArena(fd, size, slot, at)
	if err != nil {
		return nil, errors.Join(err, codeSlots.release(slot))
	}
	return a, nil
}

func mapArena(fd, size, slot int, at unsafe.Pointer) (*Arena, error) {
	rw, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map code memory for writing: %w", err)
	}
	_, err = unix.MmapPtr(fd, 0, at, uintptr(size), unix.PROT_READ|unix.PROT_EXEC,
		unix.MAP_SHARED|unix.MAP_FIXED)
	if err != nil {
		unix.Munmap(rw)
		return nil, fmt.Errorf("map code memory for execution: %w", err)
	}
	a := &Arena{slot: slot, rw: rw, base: uint64(uintptr(at))}
	a.Fill(0, size)
	return a, nil
}

// codeFile makes a file of anonymous memory that may be mapped for execution. A kernel
// before 6.3 knows no MFD_EXEC (EINVAL); vm.memfd_noexec=2 refuses it (EACCES), yet
// only forbids execve, not PROT_EXEC, of a file made without it.
func codeFile(size int) (int, error) {
	fd, err := unix.MemfdCreate("tailpoke", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if err == unix.EINVAL || err == unix.EACCES {
		fd, err = unix.MemfdCreate("tailpoke", unix.MFD_CLOEXEC)
	}
	if err != nil {
		memfdErr := err
		if fd, err = unlinkedFile("/dev/shm"); err != nil {
			return -1, fmt.Errorf("memory for code: memfd_create: %w; /dev/shm: %w", memfdErr, err)
		}
	}
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("memory for code: %w", err)
	}
	return fd, nil
}

func unlinkedFile(dir string) (int, error) {
	return unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o700)
}

// Close unmaps the arena. No thread may execute in it any more.
func (a *Arena) Close() error {
	return errors.Join(unix.Munmap(a.rw), codeSlots.release(a.slot))
}

// Size returns the arena's size in bytes.
func (a *Arena) Size() int { return len(a.rw) }

// Addr returns the address at which offset off is executed.
func (a *Arena) Addr(off Off) uint64 { return a.base + uint64(off) }

// OffOf returns the offset of an address and whether it lies in the arena.
func (a *Arena) OffOf(addr uint64) (Off, bool) {
	d := addr - a.base
	return Off(d), addr >= a.base && d < uint64(len(a.rw))
}

// Read returns a copy of n bytes at off.
func (a *Arena) Read(off Off, n int) []byte {
	return append([]byte(nil), a.rw[off:int(off)+n]...)
}

// ReadInto copies the bytes at off to b.
func (a *Arena) ReadInto(off Off, b []byte) { copy(b, a.rw[off:int(off)+len(b)]) }

// Write copies p to off. No thread may execute there.
func (a *Arena) Write(off Off, p []byte) { copy(a.rw[off:int(off)+len(p)], p) }

// Fill writes n bytes of int3 to off. No thread may execute there.
func (a *Arena) Fill(off Off, n int) {
	for b := a.rw[off : int(off)+n]; len(b) > 0; {
		b = b[copy(b, int3Page):]
	}
}

var int3Page = bytes.Repeat([]byte{Int3}, 4096)

// StoreAll writes to live text, one store after the other with nothing in between. A
// one-byte store is always atomic, and a wider one where it is aligned (Intel SDM vol. 3,
// 9.1.1); other CPUs see stores in order.
func (a *Arena) StoreAll(stores []Store) {
	for _, s := range stores {
		if w := s.Width; w != 1 && w != 4 && w != 8 || int(s.Off)+int(w) > len(a.rw) {
			panic(fmt.Sprintf("exec: store of %d bytes at %#x", w, uint32(s.Off)))
		}
	}
	if len(stores) > 0 {
		storeAll(&a.rw[0], &stores[0], len(stores))
	}
}

//go:noescape
func storeAll(base *byte, stores *Store, n int)
