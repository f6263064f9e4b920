package x86

import (
	"encoding/hex"
	"strings"
	"testing"
)

// TestPromisesThatAreBroken executes instructions that no program may: each is an error that says
// what is wrong, and leaves RIP where it is.
func TestPromisesThatAreBroken(t *testing.T) {
	for _, tt := range []struct {
		code, want string
		set        func(c *Core)
	}{
		{"48 8b 00", "reads 8 bytes at 0x0, which it has no business with", nil}, // mov rax, [rax]
		{"48 01 c8", "", nil},                                                                               // add rax, rcx
		{"f0 48 01 08", "reads 8 bytes at 0x0", nil},                                                        // lock add [rax], rcx
		{"88 08", "writes 1 bytes at 0x0", nil},                                                             // mov [rax], cl
		{"66 c7 00 01 00", "writes 2 bytes at 0x0", nil},                                                    // mov word [rax], 1
		{"0f b6 00", "reads 1 bytes at 0x0", nil},                                                           // movzx eax, byte [rax]
		{"48 0f bf 40 03", "reads 2 bytes at 0x3", nil},                                                     // movsx rax, word [rax+3]
		{"f0 48 0f c1 08", "reads 8 bytes at 0x0", nil},                                                     // lock xadd [rax], rcx
		{"87 08", "reads 4 bytes at 0x0", nil},                                                              // xchg [rax], ecx
		{"f0 0f b1 08", "reads 4 bytes at 0x0", nil},                                                        // lock cmpxchg [rax], ecx
		{"8b 00", "", readable},                                                                             // mov eax, [rax]
		{"39 08", "", readable},                                                                             // cmp [rax], ecx
		{"89 08", "writes 4 bytes at 0x0", readable},                                                        // mov [rax], ecx
		{"48 01 08", "writes 8 bytes at 0x0", readable},                                                     // add [rax], rcx
		{"f0 48 0f c1 08", "writes 8 bytes at 0x0", readable},                                               // lock xadd [rax], rcx
		{"48 87 08", "writes 8 bytes at 0x0", readable},                                                     // xchg [rax], rcx
		{"f0 48 0f b1 08", "writes 8 bytes at 0x0", readable},                                               // lock cmpxchg [rax], rcx
		{"89 44 24 fc", "writes 4 bytes at rsp-0x4, below the stack pointer", nil},                          // mov [rsp-4], eax
		{"8b 44 24 fc", "reads 4 bytes at rsp-0x4, below the stack pointer", nil},                           // mov eax, [rsp-4]
		{"48 0f af 08", "reads 8 bytes at 0x0", nil},                                                        // imul rcx, [rax]
		{"50", "the stack is used up, or the stack pointer is wild: push at 0xff8", sp(0x1000)},             // push rax
		{"50", "", sp(0x1008)},                                                                              // push rax
		{"e8 00 00 00 00", "the stack is used up, or the stack pointer is wild: push at 0xff8", sp(0x1000)}, // call
		{"58", "reads 8 bytes at 0x1040", sp(0x1040)},                                                       // pop rax
		{"58", "", sp(0x1038)},                                                                              // pop rax
		{"c3", "reads 8 bytes at 0x1039", sp(0x1039)},                                                       // ret
		{"c9", "reads 8 bytes at 0x77", func(c *Core) { c.Regs[RBP] = 0x77 }},                               // leave
		{"74 00", "a jump depends on flags that are not known", nil},                                        // je
		{"48 f7 f1", "the quotient of a division does not fit, or the divisor is zero", nil},                // div rcx, by 0
		{"48 f7 f1", "the quotient of a division does not fit", regs(7, 3, 3)},                              // div rcx: 3<<64 by 3
		{"48 f7 f1", "", regs(7, 2, 3)},                                                                     // div rcx: 2<<64 by 3
		{"f7 f1", "", regs(7, 2, 3)},                                                                        // div ecx
		{"f7 f1", "the quotient of a division does not fit", regs(7, 3, 3)},                                 // div ecx
		{"48 f7 f9", "the divisor is zero", regs(7, 0, 0)},                                                  // idiv rcx, by 0
		{"48 f7 f9", "", regs(7, 0, 3)},                                                                     // idiv rcx
		{"48 f7 f9", "a signed division of a number that is not rax with its sign", regs(7, 1, 3)},          // idiv rcx
		{"48 f7 f9", "a signed division of a number that is not rax with its sign", regs(1<<63, 0, 3)},      // idiv rcx
		{"48 f7 f9", "", regs(1<<63, ^uint64(0), 3)},                                                        // idiv rcx
		{"48 f7 f9", "the quotient of a division does not fit", regs(1<<63, ^uint64(0), ^uint64(0))},        // idiv rcx: least by -1
		{"48 f7 f9", "", regs(1<<63+1, ^uint64(0), ^uint64(0))},                                             // idiv rcx: one more by -1
		{"f7 f9", "the quotient of a division does not fit", regs(1<<31, 1<<32-1, 1<<32-1)},                 // idiv ecx
		{"f7 f9", "", regs(1<<31+1, 1<<32-1, 1<<32-1)},                                                      // idiv ecx
	} {
		code, err := hex.DecodeString(strings.ReplaceAll(tt.code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		i := Decode(code)
		if !i.Valid() {
			t.Fatalf("%s: not decoded", tt.code)
		}
		c := &Core{RIP: 0x400, Mem: Memory{Stack: Region{0x1000, make([]byte, 64)}, Own: Region{0x2000, make([]byte, 8)}, Rest: nothing}}
		c.Regs[RSP] = 0x1020
		if tt.set != nil {
			tt.set(c)
		}
		before := *c
		switch err := c.Step(&i); {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.code, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %s", tt.code, err, tt.want)
		case err != nil && (c.RIP != before.RIP || c.Regs[RSP] != before.Regs[RSP] && tt.code != "c9"):
			t.Errorf("%s: goes on to %#x, rsp %#x", tt.code, c.RIP, c.Regs[RSP])
		case err == nil && c.RIP != before.RIP+uint64(len(code)):
			t.Errorf("%s: goes on to %#x", tt.code, c.RIP)
		}
	}
}

// readable gives the thread memory to read that it may not write.
func readable(c *Core) { c.Mem.Rest = func(uint64, uint8) (uint64, bool) { return 0, true } }

func sp(v uint64) func(c *Core) { return func(c *Core) { c.Regs[RSP] = v } }

// regs sets rax, rdx and rcx.
func regs(rax, rdx, rcx uint64) func(c *Core) {
	return func(c *Core) { c.Regs[RAX], c.Regs[RDX], c.Regs[RCX] = rax, rdx, rcx }
}

// TestLoads: what an instruction reads from memory, and how much of it.
func TestLoads(t *testing.T) {
	for code, want := range map[string]struct {
		at uint64
		n  uint8
		ok bool
	}{
		"488b4108":       {0x3008, 8, true}, // mov rax, [rcx+8]
		"8b4108":         {0x3008, 4, true}, // mov eax, [rcx+8]
		"0fb641ff":       {0x2fff, 1, true}, // movzx eax, byte [rcx-1]
		"480fbf4102":     {0x3002, 2, true}, // movsx rax, word [rcx+2]
		"f0014104":       {0x3004, 4, true}, // lock add [rcx+4], eax
		"488b44d104":     {0x3014, 8, true}, // mov rax, [rcx+rdx*8+4]
		"395108":         {0x3008, 4, true}, // cmp [rcx+8], edx
		"48894108":       {},                // mov [rcx+8], rax
		"c7410801000000": {},                // mov dword [rcx+8], 1
		"488d4108":       {},                // lea rax, [rcx+8]
		"4801c8":         {},                // add rax, rcx
		"50":             {},                // push rax
	} {
		raw, err := hex.DecodeString(code)
		if err != nil {
			t.Fatal(err)
		}
		i := Decode(raw)
		if !i.Valid() {
			t.Fatalf("%s: not decoded", code)
		}
		c := &Core{RIP: 0x400}
		c.Regs[RCX], c.Regs[RDX] = 0x3000, 2
		if at, n, ok := c.Loads(&i); at != want.at || n != want.n || ok != want.ok {
			t.Errorf("%s: %#x, %d, %v, want %+v", code, at, n, ok, want)
		}
	}
}
