package affected

import (
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// refusalFaults are programs that the verifier must not take. They are loaded and not executed.
func refusalFaults() []Fault {
	return []Fault{{
		Name: "stack-256", Origin: "7f6e4312e15a", Versions: "5.10, before it was released",
		Says: "functions tail call under a caller with more than 256 bytes of stack, which 33 times " +
			"over is more than the kernel's stack",
		ask: askStack,
	}, {
		Name: "int-return", Origin: "09b28d76eac4", Versions: "5.10, before it was released",
		Says: "a function that returns nothing tail calls, and what the target returns is taken for " +
			"what the verifier knows of it",
		ask: askReturn,
	}}
}

// askStack loads callers with a stack below and above the bound.
func askStack(b *bench) finding {
	const below, above = 128, 264
	b.must(b.deepCaller(below))
	return judgeRefusal(b.deepCaller(above), "a tail call under a caller with 264 bytes of stack")
}

// deepCaller loads a function with a tail call under a caller with so many bytes of stack. It
// returns what the verifier says of it.
func (b *bench) deepCaller(depth int16) error {
	entry := function("entry", returnsInt, btf.GlobalFunc, asm.Instructions{
		asm.StoreMem(asm.RFP, -depth, asm.R1, asm.DWord), asm.Call.Label("calls"), asm.Return(),
	})
	_, err := b.program(packets("deep", entry,
		function("calls", returnsInt, btf.StaticFunc, tailCall(b.array(1), 0), returning(0))))
	return err
}

// askReturn loads a function with a tail call that returns an int, and one that returns nothing.
func askReturn(b *bench) finding {
	array := b.array(1)
	load := func(returns btf.Type) error {
		entry := function("entry", returnsInt, btf.GlobalFunc,
			asm.Instructions{asm.Call.Label("calls")}, returning(0))
		_, err := b.program(packets("returns", entry,
			function("calls", returns, btf.StaticFunc, tailCall(array, 0), returning(0))))
		return err
	}
	b.must(load(returnsInt))
	return judgeRefusal(load(&btf.Void{}), "a tail call in a function that returns nothing")
}

// judgeRefusal says what it means that the verifier took such a program, or did not, where it took
// the same without what is wrong with it.
func judgeRefusal(verdict error, of string) finding {
	switch {
	case verdict == nil:
		return has("%s was accepted", of)
	case refused(verdict):
		return free("%s was refused: %s", of, reason(verdict))
	}
	return ofError(verdict)
}
