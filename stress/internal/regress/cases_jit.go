package regress

import (
	"slices"

	"github.com/cilium/ebpf/asm"
)

// jitCases are the verifier's cases of direct and indirect keys. Every tail call stands in a main
// program and nothing is missed before it, so that all eras agree.
func jitCases() []Case {
	src := assembled{
		arrays: map[string]uint32{"map1": 4, "map2": 8},
		programs: map[string]asm.Instructions{
			"once":  returning(42),
			"other": returning(24),
			"loop":  orReturn(41, tailCall("map1", 1)),
		},
	}
	var out []Case
	for _, c := range []struct {
		name  string
		insns asm.Instructions
		want  uint32
	}{
		{"prog once", orReturn(1, tailCall("map1", 0)), 42},
		{"prog loop", orReturn(1, tailCall("map1", 1)), 41},
		{"no prog", orReturn(1, tailCall("map1", 3)), 1},
		{"key 2", orReturn(1, tailCall("map1", 2)), 24},
		{"key 2, key 2, first branch", branch(13, place{"map1", 2}, place{"map1", 2}), 24},
		{"key 2, key 2, second branch", branch(14, place{"map1", 2}, place{"map1", 2}), 24},
		{"key 0, key 2, first branch", branch(13, place{"map1", 2}, place{"map1", 0}), 24},
		{"key 0, key 2, second branch", branch(14, place{"map1", 2}, place{"map1", 0}), 42},
		{"different maps, first branch", branch(13, place{"map2", 0}, place{"map1", 0}), 1},
		{"different maps, second branch", branch(14, place{"map2", 0}, place{"map1", 0}), 42},
		{"out of bounds", orReturn(2, tailCall("map1", 256)), 2},
		{"negative key", orReturn(2, tailCall("map1", -1)), 2},
		{"key of more than 32 bits", orReturn(2, tailCall("map1", 1<<32)), 42},
	} {
		src.programs[c.name] = c.insns
		fill := all("map1", "once", "loop", "other")
		if names(c.insns, "map2") {
			fill = steps(fill, Put{"map2", 1, "loop"}, Put{"map2", 2, "other"}, Put{"map2", 7, "once"})
		}
		out = append(out, Case{
			Name: "jit: " + c.name, Origin: "selftests: verifier_runtime_jit", source: src,
			Programs: []string{c.name, "once", "loop", "other"},
			Steps:    steps(fill, gives(c.want)),
		})
	}
	return out
}

// orReturn falls through a tail call to a result.
func orReturn(r0 int32, insns asm.Instructions) asm.Instructions {
	return join(insns, returning(r0))
}

// place is where a program may be.
type place struct {
	m   string
	key int32
}

// branch chooses between two places by a byte that it has written to the context itself.
func branch(value int32, first, second place) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R0, value),
		asm.StoreMem(asm.R1, cb, asm.R0, asm.Byte),
		asm.LoadMem(asm.R0, asm.R1, cb, asm.Byte),
		asm.JEq.Imm(asm.R0, 13, "first"),
		asm.Mov.Imm(asm.R3, second.key),
		asm.LoadMapPtr(asm.R2, 0).WithReference(second.m),
		asm.Ja.Label("call"),
		asm.Mov.Imm(asm.R3, first.key).WithSymbol("first"),
		asm.LoadMapPtr(asm.R2, 0).WithReference(first.m),
		asm.FnTailCall.Call().WithSymbol("call"),
		asm.Mov.Imm(asm.R0, 1),
		asm.Return(),
	}
}

// names says whether instructions name a map.
func names(insns asm.Instructions, m string) bool {
	return slices.ContainsFunc(insns, func(ins asm.Instruction) bool { return ins.Reference() == m })
}
