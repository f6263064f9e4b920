package regress

import (
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// assembled is programs that are written as instructions. They are socket filters.
type assembled struct {
	arrays   map[string]uint32 // prog arrays, and how many keys each has
	programs map[string]asm.Instructions
}

func (a assembled) load() (*ebpf.CollectionSpec, error) {
	spec := &ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{},
		Programs: map[string]*ebpf.ProgramSpec{}}
	for name, keys := range a.arrays {
		spec.Maps[name] = &ebpf.MapSpec{Name: name, Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4,
			MaxEntries: keys}
	}
	for name, insns := range a.programs {
		spec.Programs[name] = &ebpf.ProgramSpec{
			Name: name, Type: ebpf.SocketFilter, License: "Dual MIT/GPL", Instructions: slices.Clone(insns),
		}
	}
	return spec, nil
}

// returning is a program that does nothing else.
func returning(r0 int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, r0), asm.Return()}
}

// tailCall is a tail call of a constant key: r1 is the context.
func tailCall(m string, key int64) asm.Instructions {
	return asm.Instructions{
		asm.LoadImm(asm.R3, key, asm.DWord), asm.LoadMapPtr(asm.R2, 0).WithReference(m),
		asm.FnTailCall.Call(),
	}
}

// join puts instructions in sequence.
func join(parts ...asm.Instructions) asm.Instructions { return slices.Concat(parts...) }

// cb is the offset of the field cb of struct __sk_buff: 20 bytes that a program may write.
const cb = 48
