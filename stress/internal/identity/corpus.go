package identity

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// A Sample is a program to load, and the maps that it names.
type Sample struct {
	Name    string
	Spec    *ebpf.CollectionSpec
	Program string // of the collection
}

// sampleOf makes a sample of instructions. Its maps are those of sharedMaps.
func sampleOf(name string, kind ebpf.ProgramType, insns asm.Instructions) Sample {
	return Sample{name, &ebpf.CollectionSpec{
		Maps: mapsOf(insns),
		Programs: map[string]*ebpf.ProgramSpec{"main": {
			Name: "main", Type: kind, License: "GPL", Instructions: insns,
		}},
	}, "main"}
}

// alone is the sample's collection without other programs and the maps that only they name.
// Its maps of programs are empty, and nothing of it is pinned.
func (s Sample) alone() *ebpf.CollectionSpec {
	spec := s.Spec.Copy()
	spec.Variables = nil // they are in the maps, and would want all of them
	named := map[string]bool{}
	for name, p := range spec.Programs {
		if name != s.Program {
			delete(spec.Programs, name)
			continue
		}
		for i := range p.Instructions {
			named[p.Instructions[i].Reference()] = true
		}
	}
	for name, m := range spec.Maps {
		if !named[name] {
			delete(spec.Maps, name)
			continue
		}
		m.Pinning = ebpf.PinNone
		if m.Type == ebpf.ProgramArray {
			m.Contents = nil
		}
	}
	return spec
}

// sharedMaps are the maps that samples may name.
var sharedMaps = map[string]ebpf.MapSpec{
	"progs":  {Name: "progs", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 4},
	"other":  {Name: "other", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 300},
	"array":  {Name: "array", Type: ebpf.Array, KeySize: 4, ValueSize: 64, MaxEntries: 8},
	"percpu": {Name: "percpu", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 16, MaxEntries: 3},
	"value":  {Name: "value", Type: ebpf.Array, KeySize: 4, ValueSize: 64, MaxEntries: 1},
	"hash":   {Name: "hash", Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 16},
}

func mapsOf(insns asm.Instructions) map[string]*ebpf.MapSpec {
	maps := map[string]*ebpf.MapSpec{}
	for i := range insns {
		if ref := insns[i].Reference(); insns[i].IsLoadFromMap() && ref != "" {
			m, ok := sharedMaps[ref]
			if !ok {
				panic(fmt.Sprintf("identity: sample names map %q", ref))
			}
			maps[ref] = &m
		}
	}
	return maps
}

// describe gives the functions of a program the types that the verifier wants of a program
// in which a function makes a tail call: each takes the context and returns an int.
func describe(insns asm.Instructions) asm.Instructions {
	integer := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	proto := &btf.FuncProto{Return: integer, Params: []btf.FuncParam{
		{Name: "ctx", Type: &btf.Pointer{Target: &btf.Void{}}},
	}}
	for i := range insns {
		sym := insns[i].Symbol()
		if i == 0 {
			sym = "main"
		}
		if i == 0 || isCalled(insns, sym) {
			insns[i] = btf.WithFuncMetadata(insns[i].WithSymbol(sym),
				&btf.Func{Name: sym, Type: proto, Linkage: btf.StaticFunc})
		}
	}
	return insns
}

// isCalled says whether a symbol is a function.
func isCalled(insns asm.Instructions, sym string) bool {
	for i := range insns {
		if sym != "" && insns[i].IsFunctionReference() && insns[i].Reference() == sym {
			return true
		}
	}
	return false
}

// Corpus is the programs that identity is asked for: every operation on every register,
// jumps at the limits of their sizes, tail calls from every shape of frame, calls of all
// kinds, programs of other types, and n programs by chance, every fourth of them of a type that
// has private stacks. If ctx ends, there are fewer.
func Corpus(ctx context.Context, seed uint64, n int) []Sample {
	out := slices.Concat(opSamples(), memorySamples(), jumpSamples(), tailCallSamples(),
		helperSamples(), kindSamples())
	for i := 0; i < n && ctx.Err() == nil; i++ {
		name := fmt.Sprintf("random %#x/%d", seed, i)
		if i%4 == 3 {
			out = append(out, sampleOf(name, ebpf.RawTracepoint,
				onTracepoint(randomProgram(seed, uint64(i), alone))))
			continue
		}
		out = append(out, sampleOf(name, ebpf.SchedCLS, randomProgram(seed, uint64(i), withHelpers)))
	}
	return out
}

// ObjectSamples are all programs of an object file.
func ObjectSamples(spec *ebpf.CollectionSpec) []Sample {
	var out []Sample
	for _, name := range sortedKeys(spec.Programs) {
		out = append(out, Sample{name, spec, name})
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
