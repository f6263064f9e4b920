package exec

import (
	"fmt"
	"math/bits"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	areaSlots      = 8
	codeSlotBytes  = MaxArena // code slots lie side by side: rel32 reaches all of them
	stackSlotBytes = MaxThreads * stackSize
	areaBytes      = areaSlots*(codeSlotBytes+stackSlotBytes) + stackSize
)

// areaBounds is what the signal handlers know of the reserved area; they read it
// without a lock, and it changes only while no image executes.
type areaBounds struct {
	codeLo, codeHi   uint64
	stackLo, stackHi uint64
}

var area areaBounds

// users guards the reservation: the area exists, and the handlers are installed, while
// an arena or a pool does.
var users struct {
	sync.Mutex
	n    int
	base unsafe.Pointer
}

// slots are those of one kind, side by side in the area. users guards them.
type slots struct {
	users string // what takes one
	bytes uint64 // of each
	at    uint64 // from the area's start
	taken uint8  // bit i: slot i is
}

var (
	codeSlots  = slots{users: "arenas", bytes: codeSlotBytes}
	stackSlots = slots{users: "pools", bytes: stackSlotBytes}
)

// acquire takes a free slot and returns its index and address. The slot is address
// space without access; the caller maps over it.
func (s *slots) acquire() (int, unsafe.Pointer, error) {
	users.Lock()
	defer users.Unlock()
	i := bits.TrailingZeros8(^s.taken)
	if i >= areaSlots {
		return 0, nil, fmt.Errorf("more than %d %s at a time", areaSlots, s.users)
	}
	if users.n == 0 {
		if err := reserve(); err != nil {
			return 0, nil, err
		}
	}
	users.n++
	s.taken |= 1 << i
	return i, s.addr(i), nil
}

// release gives a slot back, and with the last one the area and the handlers.
func (s *slots) release(i int) error {
	users.Lock()
	defer users.Unlock()
	s.taken &^= 1 << i
	if err := blank(s.addr(i), uintptr(s.bytes)); err != nil {
		return err
	}
	if users.n--; users.n > 0 {
		return nil
	}
	if err := restoreHandlers(); err != nil {
		return err
	}
	area = areaBounds{}
	return unix.MunmapPtr(users.base, areaBytes)
}

func reserve() error {
	p, err := unix.MmapPtr(-1, 0, nil, areaBytes, unix.PROT_NONE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("reserve %d MiB of address space: %w", areaBytes>>20, err)
	}
	users.base = p
	code := uint64(uintptr(p))
	stack := (code + areaSlots*codeSlotBytes + stackMask) &^ stackMask
	stackSlots.at = stack - code
	area = areaBounds{code, code + areaSlots*codeSlotBytes, stack, stack + areaSlots*stackSlotBytes}
	if err := installHandlers(); err != nil {
		unix.MunmapPtr(p, areaBytes)
		return err
	}
	return nil
}

func (s *slots) addr(i int) unsafe.Pointer { return unsafe.Add(users.base, s.at+uint64(i)*s.bytes) }

// blank turns a slot back into address space without access.
func blank(p unsafe.Pointer, n uintptr) error {
	_, err := unix.MmapPtr(-1, 0, p, n, unix.PROT_NONE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE|unix.MAP_FIXED)
	return err
}
