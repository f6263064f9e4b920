package workload

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/patcher/protocol"
)

// calls makes a program that takes a tail call by each of these keys; one whose index is negative is
// an indirect site.
func calls(name string, keys ...protocol.Key) *ebpf.ProgramSpec {
	insns := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1).WithSymbol(name), asm.LoadMem(asm.R7, asm.R1, 0, asm.Word),
	}
	for _, k := range keys {
		insns = append(insns, asm.Mov.Reg(asm.R1, asm.R6), asm.LoadMapPtr(asm.R2, 0).WithReference(k.Map))
		if k.Index < 0 {
			insns = append(insns, asm.Mov.Reg(asm.R3, asm.R7))
		} else {
			insns = append(insns, asm.Mov.Imm(asm.R3, int32(k.Index)))
		}
		insns = append(insns, asm.FnTailCall.Call())
	}
	return &ebpf.ProgramSpec{
		Name: name, Type: ebpf.SchedCLS, Instructions: append(insns, asm.Mov.Imm(asm.R0, 0), asm.Return()),
	}
}

// TestKeys: what changes are the keys that executions read, in whatever map, of whatever index, and
// no others.
func TestKeys(t *testing.T) {
	const a, b = "a", "b"
	key := func(m string, i int) protocol.Key { return protocol.Key{Map: m, Index: i} }
	range16 := func(m string, from int) (out []protocol.Key) {
		for i := from; i < 16; i++ {
			out = append(out, key(m, i))
		}
		return out
	}
	for name, tc := range map[string]struct {
		entry, program, want []protocol.Key
	}{
		"one of sixteen":       {[]protocol.Key{key(a, 9)}, nil, []protocol.Key{key(a, 9)}},
		"of an index above 16": {[]protocol.Key{key(a, 99)}, nil, []protocol.Key{key(a, 99)}},
		"two maps":             {[]protocol.Key{key(a, 0), key(b, 3)}, nil, []protocol.Key{key(a, 0), key(b, 3)}},
		"one key twice":        {[]protocol.Key{key(a, 1), key(a, 1)}, nil, []protocol.Key{key(a, 1)}},
		"beyond the map":       {[]protocol.Key{key(a, 1), key(b, 4)}, nil, []protocol.Key{key(a, 1)}},
		"an indirect site":     {[]protocol.Key{key(b, 3), key(b, -1)}, nil, []protocol.Key{key(b, 3), key(b, 0), key(b, 1), key(b, 2)}},
		"one of a large map":   {[]protocol.Key{key(a, 50), key(a, -1)}, nil, append([]protocol.Key{key(a, 50)}, range16(a, 0)[:15]...)},
		"those of a program":   {[]protocol.Key{key(a, 0)}, []protocol.Key{key(b, 2)}, []protocol.Key{key(a, 0), key(b, 2)}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := &ebpf.CollectionSpec{
				Maps: map[string]*ebpf.MapSpec{
					a: {Name: a, Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 100},
					b: {Name: b, Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 4},
				},
				Programs: map[string]*ebpf.ProgramSpec{"main": calls("main", tc.entry...), "p": calls("p", tc.program...)},
			}
			w, err := FromCollection(spec, Source{Name: "x.o", Entry: "main"})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(w.Keys, tc.want) {
				t.Errorf("keys %s, want %s", fmt.Sprint(w.Keys), fmt.Sprint(tc.want))
			}
		})
	}
}
