package x86

import (
	"strings"
	"testing"
)

// nothing has no memory beside the thread's own.
func nothing(uint64, uint8) (uint64, bool) { return 0, false }

// TestBelowTheStackPointerNothingIsKept has accesses of a leaf that makes no frame.
func TestBelowTheStackPointerNothingIsKept(t *testing.T) {
	c := &Core{Mem: Memory{Stack: Region{0x1000, make([]byte, 64)}, Own: Region{0x2000, make([]byte, 8)}, Rest: nothing}}
	c.Regs[RSP] = 0x1020
	for _, tc := range []struct {
		at   uint64
		size uint8
		want string
	}{
		{0x1020, 8, ""}, {0x1038, 8, ""}, {0x2000, 8, ""}, {0x2007, 1, ""},
		{0x101f, 1, "below the stack pointer"}, {0x1000, 8, "rsp-0x20"},
		{0x1039, 8, "no business"}, {0x2001, 8, "no business"}, {0, 1, "no business"}, {^uint64(0), 8, "no business"},
	} {
		_, err := c.Mem.load(tc.at, tc.size, c.Regs[RSP])
		if err2 := c.Mem.store(tc.at, 1, tc.size, c.Regs[RSP]); (err == nil) != (err2 == nil) {
			t.Errorf("%#x: load %v, store %v", tc.at, err, err2)
		}
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%#x: %v, want %q", tc.at, err, tc.want)
		}
	}
	c.Mem.Stack.Bytes[0x18] = 7
	if c.setRSP(0x1018); c.Mem.Stack.Bytes[0x18] != stackJunk {
		t.Error("what was below the stack pointer is there again")
	}
}
