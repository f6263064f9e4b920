package jit_test

import (
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// A tail call of a known key becomes a direct site. The image says where its slots are; they are
// emitted as for an empty key: the first one jumps over the unwind, which lies between them.
func Example() {
	p, err := jit.Parse("entry", asm.Instructions{
		asm.LoadMapPtr(asm.R2, 0).WithReference("progs"),
		asm.Mov.Imm(asm.R3, 0), // the key
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 1),
		asm.Return(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	img, err := jit.Compile(p, jit.Options{
		Layout: &jit.V612,
		Maps:   map[string]jit.MapInfo{"progs": {Addr: 0x1000, MaxEntries: 1}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(img.Code), "bytes; a tail call enters at", jit.V612.AdjOff)
	for _, site := range img.Sites {
		fmt.Println("a direct site of key", site.Key, "of", site.Map)
		for _, s := range site.Slots() {
			fmt.Printf("  slot at %d: % x\n", s.Off, img.Code[s.Off:s.Off+jit.SlotSize])
		}
	}
	// Output:
	// 69 bytes; a tail call enters at 12
	// a direct site of key 0 of progs
	//   slot at 46: e9 0b 00 00 00
	//   slot at 57: 0f 1f 44 00 00
}
