package jit

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/asm"
)

// Helper is a function outside of the program that it may call: a helper of the kernel under
// its number in the UAPI, or one of those that the legacy loads from packets are made of,
// which have none.
type Helper uint32

// Helpers that are known by more than their signature. bpf_tail_call is no call.
const (
	MapLookupElem     = Helper(asm.FnMapLookupElem)
	MapUpdateElem     = Helper(asm.FnMapUpdateElem)
	MapDeleteElem     = Helper(asm.FnMapDeleteElem)
	ProbeRead         = Helper(asm.FnProbeRead)
	KtimeGetNs        = Helper(asm.FnKtimeGetNs)
	TracePrintk       = Helper(asm.FnTracePrintk)
	GetPrandomU32     = Helper(asm.FnGetPrandomU32)
	GetSmpProcessorID = Helper(asm.FnGetSmpProcessorId)
	SkbLoadBytes      = Helper(asm.FnSkbLoadBytes)
	ProbeReadUser     = Helper(asm.FnProbeReadUser)
	ProbeReadKernel   = Helper(asm.FnProbeReadKernel)
	ForEachMapElem    = Helper(asm.FnForEachMapElem)
	Loop              = Helper(asm.FnLoop)

	// KernelFunction stands for every function of the kernel's own that a program calls, and for numbers
	// of helpers that no kernel has, such as CO-RE leaves where a program is never to come. KernelNext is
	// for those of them that give the next element of something.
	KernelFunction Helper = 1 << 17
	KernelNext     Helper = 1<<17 | 1

	// LoadPacket8 to LoadPacket32 load from the packet in network order: a context in R1, an
	// offset in R2, of which the lower half counts. R0 is negative if the packet ends before.
	LoadPacket8  Helper = 1<<16 | 1
	LoadPacket16 Helper = 1<<16 | 2
	LoadPacket32 Helper = 1<<16 | 4
)

// Helpers lists the helpers: all that the UAPI has and will have.
func Helpers() []Helper {
	all := []Helper{LoadPacket8, LoadPacket16, LoadPacket32, KernelFunction, KernelNext}
	for h := Helper(1); h <= lastHelper; h++ {
		if h != Helper(asm.FnTailCall) {
			all = append(all, h)
		}
	}
	return all
}

// String is the kernel's name of the helper: bpf_map_lookup_elem.
func (h Helper) String() string {
	switch h {
	case KernelFunction:
		return "kernel_function"
	case KernelNext:
		return "kernel_function_next"
	case LoadPacket8, LoadPacket16, LoadPacket32:
		return fmt.Sprintf("load_packet_%d", 8*(h&0xff))
	}
	name := []byte("bpf")
	for _, c := range []byte(strings.TrimPrefix(asm.BuiltinFunc(h).String(), "Fn")) {
		if 'A' <= c && c <= 'Z' {
			name = append(name, '_', c-'A'+'a')
			continue
		}
		name = append(name, c)
	}
	return string(name)
}

// HelperCall is a call of a helper.
type HelperCall struct {
	Insn, Func int
	Helper     Helper
	Map        string // what R1 is the address of, when all paths agree on it
}

// helperOf is what instruction ins calls outside of the program, tail calls apart.
func helperOf(ins *asm.Instruction) (Helper, bool) {
	switch {
	case isLegacyLoad(ins):
		return LoadPacket8&^0xff | Helper(ins.OpCode.Size().Sizeof()), true
	case ins.OpCode == opCall && ins.Src == 0 && !isTailCall(ins) && ins.Constant > 0 && ins.Constant <= int64(lastHelper):
		return Helper(ins.Constant), true
	case ins.OpCode == opCall && ins.Src == 0 && !isTailCall(ins):
		return KernelFunction, true // one that no kernel has: it is never called, see CO-RE
	case ins.OpCode == opCall && ins.Src == asm.PseudoKfuncCall && strings.HasSuffix(ins.Reference(), "_next"):
		return KernelNext, true
	case ins.OpCode == opCall && ins.Src == asm.PseudoKfuncCall:
		return KernelFunction, true
	}
	return 0, false
}

// isLegacyLoad says whether an instruction loads from the packet, the way of cBPF.
func isLegacyLoad(ins *asm.Instruction) bool {
	mode := ins.OpCode.Mode()
	return ins.OpCode.Class() == asm.LdClass && (mode == asm.AbsMode || mode == asm.IndMode)
}
