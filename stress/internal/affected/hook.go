package affected

import (
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// hookFaults are arrays that take programs of another kind than those that call them. Nothing is
// executed: what a kernel must not take is told by what it takes.
func hookFaults() []Fault {
	return []Fault{{
		Name: "hook-mix", Origin: "4540aed51b12", Versions: "4.17 to 6.17",
		Says: "a program tail calls one for another hook of its type, which reads a context that is " +
			"not there",
		ask: askHookMix,
	}, {
		Name: "hook-proto", Origin: "28ead3eaabc1", Versions: "5.5 to 6.11",
		Says: "a tracing or LSM program tail calls one for another function, whose arguments and " +
			"results are others",
		ask: askHookProto,
	}, {
		Name: "cgroup-storage", Origin: "abad3d0bad72", Versions: "5.9 to 6.16",
		Says: "a program tail calls one with another cgroup storage, and the target reads beyond the " +
			"caller's",
		ask: askStorage,
	}}
}

// judgeMix says what it means that an array took a program of another kind, or did not, where it
// took one of the caller's kind.
func judgeMix(same, other error, of string) finding {
	switch {
	case same != nil:
		return inapplicable("the array takes no program of the caller's own kind either: %s", errno(same))
	case other == nil:
		return has("the array took %s", of)
	}
	return free("the array refused %s: %s", of, errno(other))
}

// A maker makes a program that ends with these instructions.
type maker func(end asm.Instructions) *ebpf.ProgramSpec

// mixed loads a caller of an array, and tries a program like it and another one there.
func (b *bench) mixed(of string, same, other maker) finding {
	array, end := b.array(1), returning(1)
	b.load(same(slices.Concat(tailCall(array, 0), end)))
	put := func(spec maker) error { return array.Put(uint32(0), b.load(spec(end))) }
	return judgeMix(put(same), put(other), of)
}

// askHookMix tries programs of two hooks at which sockets get addresses.
func askHookMix(b *bench) finding {
	hook := func(at ebpf.AttachType) maker {
		return func(insns asm.Instructions) *ebpf.ProgramSpec {
			return &ebpf.ProgramSpec{Name: "address",
				Type: ebpf.CGroupSockAddr, AttachType: at, Instructions: insns}
		}
	}
	connect := hook(ebpf.AttachCGroupInet4Connect)
	return b.mixed("a program of cgroup/sendmsg4 for a caller of cgroup/connect4",
		connect, hook(ebpf.AttachCGroupUDP4Sendmsg))
}

// askHookProto tries tracing programs of two functions with other arguments.
func askHookProto(b *bench) finding {
	second := function("two", returnsInt, btf.StaticFunc, returning(0))
	second[0] = btf.WithFuncMetadata(second[0], &btf.Func{
		Name: "two", Linkage: btf.StaticFunc,
		Type: &btf.FuncProto{Return: returnsInt, Params: []btf.FuncParam{
			{Name: "skb", Type: skb}, {Name: "more", Type: returnsInt},
		}},
	})
	target := b.load(packets("functions",
		function("entry", returnsInt, btf.GlobalFunc, asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R1), asm.Call.Label("one"),
			asm.Mov.Reg(asm.R1, asm.R6), asm.Mov.Imm(asm.R2, 0), asm.Call.Label("two"), asm.Return(),
		}),
		function("one", returnsInt, btf.StaticFunc, returning(0)), second))
	traces := func(name string) maker {
		return func(insns asm.Instructions) *ebpf.ProgramSpec {
			insns = slices.Concat(insns[:len(insns)-2], returning(0)) // of fentry nothing else is allowed
			return &ebpf.ProgramSpec{Name: "traces", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry,
				AttachTo: name, AttachTarget: target, Instructions: insns}
		}
	}
	return b.mixed("a tracing program of a function with two arguments for a caller of one with one",
		traces("one"), traces("two"))
}

// askStorage tries programs with two cgroup storages.
func askStorage(b *bench) finding {
	const keySize = 16 // struct bpf_cgroup_storage_key
	var storages [2]*ebpf.Map
	for i := range storages {
		storages[i] = b.table(&ebpf.MapSpec{Name: "storage",
			Type: ebpf.CGroupStorage, KeySize: keySize, ValueSize: 8})
	}
	uses := func(storage *ebpf.Map) maker {
		return func(insns asm.Instructions) *ebpf.ProgramSpec {
			return &ebpf.ProgramSpec{Name: "stores",
				Type: ebpf.CGroupSKB, Instructions: slices.Concat(asm.Instructions{
					asm.Mov.Reg(asm.R6, asm.R1), asm.LoadMapPtr(asm.R1, storage.FD()), asm.Mov.Imm(asm.R2, 0),
					asm.FnGetLocalStorage.Call(), asm.Mov.Reg(asm.R1, asm.R6),
				}, insns)}
		}
	}
	return b.mixed("a program with another cgroup storage than its caller's",
		uses(storages[0]), uses(storages[1]))
}
