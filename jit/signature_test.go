package jit

import (
	"testing"

	"github.com/cilium/ebpf/asm"
)

// TestHelpersThatFill: these helpers write through a pointer to a number, or to a struct bpf_dynptr of
// two words. Their prototypes are in the kernel's include/uapi/linux/bpf.h.
func TestHelpersThatFill(t *testing.T) {
	for fn, want := range map[asm.BuiltinFunc]Span{
		asm.FnStrtol:               {At: asm.R4, Fixed: 8}, // long *res
		asm.FnStrtoul:              {At: asm.R4, Fixed: 8}, // unsigned long *res
		asm.FnKallsymsLookupName:   {At: asm.R4, Fixed: 8}, // __u64 *res
		asm.FnGetFuncArg:           {At: asm.R3, Fixed: 8}, // __u64 *value
		asm.FnGetFuncRet:           {At: asm.R2, Fixed: 8}, // __u64 *value
		asm.FnCheckMtu:             {At: asm.R3, Fixed: 4}, // __u32 *mtu_len
		asm.FnDynptrFromMem:        {At: asm.R4, Fixed: 16},
		asm.FnRingbufReserveDynptr: {At: asm.R4, Fixed: 16},
	} {
		if got := signatures[Helper(fn)].Writes; len(got) != 1 || got[0] != want {
			t.Errorf("%v writes %v, want %v", fn, got, want)
		}
	}
}
