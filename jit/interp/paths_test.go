package interp

import (
	"slices"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"tailpoke/jit"
)

// places are the memories that programs share on one path, as code that makes R1 point to
// four bytes in each. R1 is the context before.
var places = map[string]asm.Instructions{
	"context":  {},
	"packet":   {asm.LoadMem(asm.R1, asm.R1, skbData, asm.Word)},
	"variable": {valuePtr(asm.R1, ".bss", 0)},
	"hash":     seq(find("hash", 1), asm.JNE.Imm(asm.R0, 0, "found"), ret(99), asm.Mov.Reg(asm.R1, asm.R0).WithSymbol("found")),
}

// placesWorld has key 1 in its hash, and zeroes everywhere.
func placesWorld(t *testing.T, held map[uint32][]*jit.Program) World {
	w := skbWorld()
	clear(w.Packet)
	put(t, w.Maps["hash"], key4(1), key8(0))
	w.Held = worldOf(w.Layout, held).Held
	return w
}

// TestPathsHaveMemoryForThemselves: what a path writes after a tail call that missed, the path on
// which it did not miss does not see, though both had written there before.
func TestPathsHaveMemoryForThemselves(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			reader := parse(t, "reader", place, asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), exit)
			entry := parse(t, "entry", keep, place, asm.Mov.Reg(asm.R7, asm.R1),
				asm.StoreImm(asm.R7, 0, 1, asm.Word), restore, tailCall(0), asm.StoreImm(asm.R7, 0, 2, asm.Word), ret(7))
			w := placesWorld(t, map[uint32][]*jit.Program{0: {reader, nil}})
			got, err := explored(t, w, entry.Insns)
			if diff := cmp.Diff([]uint64{1, 7}, got); diff != "" || err != nil {
				t.Errorf("%v; want - got:\n%s", err, diff)
			}
			got, err = explored(t, w, asm.Mov.Reg(asm.R6, asm.R1), place, asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), exit)
			if diff := cmp.Diff([]uint64{0}, got); diff != "" || err != nil {
				t.Errorf("the world was written: %v; want - got:\n%s", err, diff)
			}
		})
	}
}

// TestPathsMeetOnlyWithEqualMemory: two programs of one name leave different things.
func TestPathsMeetOnlyWithEqualMemory(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			leave := func(v int64) *jit.Program {
				return parse(t, "leave", place, asm.StoreImm(asm.R1, 0, v, asm.Word), ret(0))
			}
			w := placesWorld(t, map[uint32][]*jit.Program{0: {leave(1), leave(2)}})
			entry := inSub(t, restore, tailCall(1), restore, place, asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), exit)
			got, err := explored(t, w, entry.Insns)
			if diff := cmp.Diff([]uint64{1, 2}, got); diff != "" || err != nil {
				t.Errorf("%v; want - got:\n%s", err, diff)
			}
		})
	}
}

// TestPathsMeetOnlyWithEqualKnowledge: one program leaves a zero, the other something unknown, in
// the context or in the caller's stack, and they come in either order.
func TestPathsMeetOnlyWithEqualKnowledge(t *testing.T) {
	spill := asm.StoreMem(asm.R10, -8, asm.R0, asm.DWord)
	for _, tt := range []struct {
		name            string
		zero, something *jit.Program
		entry           *jit.Program
	}{
		{"context", parse(t, "leave", storeWide(asm.R1, 8, 0), ret(0)),
			parse(t, "leave", keep, unknownR7, asm.StoreMem(asm.R6, 8, asm.R7, asm.DWord), ret(0)),
			inSub(t, restore, tailCall(1), asm.LoadMem(asm.R0, asm.R6, 8, asm.DWord), either)},
		{"stack", parse(t, "leave", ret(0)), parse(t, "leave", asm.FnKtimeGetNs.Call(), exit),
			inSub(t, spill, asm.Mov.Imm(asm.R0, 0), restore, tailCall(1), asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), either)},
	} {
		programs := []*jit.Program{tt.zero, tt.something}
		for range 2 {
			w := placesWorld(t, map[uint32][]*jit.Program{0: programs})
			w.Shared = true
			got, err := explored(t, w, tt.entry.Insns)
			if diff := cmp.Diff([]uint64{1, 2}, got); diff != "" || err != nil {
				t.Errorf("%s: %v; want - got:\n%s", tt.name, err, diff)
			}
			slices.Reverse(programs)
		}
	}
}

// TestPathsMeetOnlyWithEqualElements: two programs return the addresses of different elements.
func TestPathsMeetOnlyWithEqualElements(t *testing.T) {
	element := func(key int64) *jit.Program { return parse(t, "element", find("array", key), exit) }
	w := placesWorld(t, map[uint32][]*jit.Program{0: {element(0), element(1)}})
	put(t, w.Maps["array"], key4(1), append(key8(5), key4(0)...))
	entry := inSub(t, asm.Mov.Reg(asm.R7, asm.R0), asm.Mov.Imm(asm.R0, 0), restore, tailCall(1), asm.LoadMem(asm.R0, asm.R7, 0, asm.Word), exit)
	got, err := explored(t, w, entry.Insns)
	if diff := cmp.Diff([]uint64{0, 5}, got); diff != "" || err != nil {
		t.Errorf("%v; want - got:\n%s", err, diff)
	}
}

// TestUnknownMeetsUnknown: what was there before something unknown does not keep paths apart.
func TestUnknownMeetsUnknown(t *testing.T) {
	leave := func(v int64) *jit.Program {
		return parse(t, "leave", keep, unknownR7, storeWide(asm.R6, 8, v), asm.StoreMem(asm.R6, 8, asm.R7, asm.DWord), ret(0))
	}
	w := placesWorld(t, map[uint32][]*jit.Program{0: {leave(1), leave(2)}})
	w.Shared = true
	res, err := Explore(inSub(t, restore, tailCall(1), ret(3)), w)
	if err != nil || res.States != 2 {
		t.Errorf("%+v, %v, want 2 states", res, err)
	}
}

// TestExplorePrintsNothing: a path may be one that no execution takes.
func TestExplorePrintsNothing(t *testing.T) {
	w := mapWorld()
	w.Trace = func(string) { t.Error("printed") }
	got, err := explored(t, w, valuePtr(asm.R1, ".rodata", 0), asm.Mov.Imm(asm.R2, 1), asm.FnTracePrintk.Call(), exit)
	if diff := cmp.Diff([]uint64{0}, got); diff != "" || err != nil {
		t.Errorf("%v; want - got:\n%s", err, diff)
	}
}
