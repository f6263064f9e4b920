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
	n             int
	base          unsafe.Pointer
	codes, stacks uint8 // bit i: slot i is taken
}

// slotKind tells code slots from stack slots.
type slotKind uint8

const (
	codeSlot slotKind = iota
	stackSlot
)

// acquire takes a free slot and returns its index and address. The slot is address
// space without access; the caller maps over it.
func acquire(kind slotKind) (int, unsafe.Pointer, error) {
	users.Lock()
	defer users.Unlock()
	set, what := &users.codes, "arenas"
	if kind == stackSlot {
		set, what = &users.stacks, "pools"
	}
	i := bits.TrailingZeros8(^*set)
	if i >= areaSlots {
		return 0, nil, fmt.Errorf("more than %d %s at a time", areaSlots, what)
	}
	if users.n == 0 {
		if err := reserve(); err != nil {
			return 0, nil, err
		}
	}
	users.n++
	*set |= 1 << i
	return i, slotAddr(kind, i), nil
}

// release gives a slot back, and with the last one the area and the handlers.
func release(kind slotKind, i int) error {
	users.Lock()
	defer users.Unlock()
	if kind == codeSlot {
		users.codes &^= 1 << i
		if err := blank(slotAddr(kind, i), codeSlotBytes); err != nil {
			return err
		}
	} else {
		users.stacks &^= 1 << i
		if err := blank(slotAddr(kind, i), stackSlotBytes); err != nil {
			return err
		}
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
	area = areaBounds{code, code + areaSlots*codeSlotBytes, stack, stack + areaSlots*stackSlotBytes}
	if err := installHandlers(); err != nil {
		unix.MunmapPtr(p, areaBytes)
		return err
	}
	return nil
}

func slotAddr(kind slotKind, i int) unsafe.Pointer {
	base := uint64(uintptr(users.base))
	if kind == codeSlot {
		return unsafe.Add(users.base, area.codeLo-base+uint64(i)*codeSlotBytes)
	}
	return unsafe.Add(users.base, area.stackLo-base+uint64(i)*stackSlotBytes)
}

// blank turns a slot back into address space without access.
func blank(p unsafe.Pointer, n uintptr) error {
	_, err := unix.MmapPtr(-1, 0, p, n, unix.PROT_NONE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE|unix.MAP_FIXED)
	return err
}
