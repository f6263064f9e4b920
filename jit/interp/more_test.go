package interp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// TestUnsetOperands reads registers that nothing was written to, in every place that has one.
func TestUnsetOperands(t *testing.T) {
	const never = "reads what was never written"
	key := seq(asm.StoreImm(asm.R10, -4, 0, asm.Word), at(asm.R2, -4))
	for _, tt := range []struct {
		name string
		code asm.Instructions
		want string
	}{
		{"an addend of an address", seq(asm.Add.Reg(asm.R1, asm.R3)), never},
		{"a sum with an address", seq(asm.Add.Reg(asm.R3, asm.R1)), never},
		{"a comparison, on the left", seq(asm.JEq.Imm(asm.R3, 0, "out"), asm.Mov.Imm(asm.R0, 0)), never},
		{"a comparison, on the right", seq(asm.JEq.Reg(asm.R1, asm.R3, "out"), asm.Mov.Imm(asm.R0, 0)), never},
		{"a load through nothing", seq(asm.LoadMem(asm.R0, asm.R3, 0, asm.Byte)), never},
		{"a store through nothing", seq(asm.StoreImm(asm.R3, 0, 0, asm.Byte)), never},
		{"the context of a tail call", seq(asm.FnKtimeGetNs.Call(), mapPtr(asm.R2, "progs"), asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call()),
			"r1: " + never},
		{"the map of a tail call", seq(asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call()), "r2 holds nothing, not a map"},
		{"the key of a tail call", seq(mapPtr(asm.R2, "progs"), asm.FnTailCall.Call()), "r3: " + never},
		{"the map of a lookup", seq(asm.FnKtimeGetNs.Call(), asm.FnMapLookupElem.Call()), "r1 holds nothing, not a map"},
		{"the key of an update", seq(mapPtr(asm.R1, "array"), asm.FnMapUpdateElem.Call()), "r2: " + never},
		{"the value of an update", seq(key, mapPtr(asm.R1, "array"), asm.FnMapUpdateElem.Call()), "r3: " + never},
		{"the flags of an update", seq(key, at(asm.R3, -16), storeWide(asm.R10, -16, 0), asm.StoreImm(asm.R10, -8, 0, asm.Word), mapPtr(asm.R1, "array"), asm.FnMapUpdateElem.Call()),
			"r4: " + never},
		{"the key of a deletion", seq(mapPtr(asm.R1, "array"), asm.FnMapDeleteElem.Call()), "r2: " + never},
		{"the map of a deletion", seq(asm.FnKtimeGetNs.Call(), asm.FnMapDeleteElem.Call()), "r1 holds nothing, not a map"},
		{"the memory of an atomic operation", seq(asm.Mov.Imm(asm.R4, 1), asm.AddAtomic.Mem(asm.R10, asm.R4, asm.DWord, -8)), never},
		{"the size of a format", seq(asm.FnKtimeGetNs.Call(), at(asm.R1, -8), asm.FnTracePrintk.Call()), "r2: " + never},
		{"the format", seq(at(asm.R1, -8), asm.Mov.Imm(asm.R2, 4), asm.FnTracePrintk.Call()), "r1: " + never},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := mapWorld()
			w.Held = func(string, uint32) []*jit.Program { return []*jit.Program{nil} }
			refusesIn(t, w, tt.want, tt.code, asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), exit)
		})
	}
}

// TestRegistersOverCalls: a register keeps its number where the calling convention says so, and is
// nothing elsewhere.
func TestRegistersOverCalls(t *testing.T) {
	var fill asm.Instructions
	for r := asm.R0; r <= asm.R9; r++ {
		if r != asm.R1 {
			fill = append(fill, asm.Mov.Imm(r, 10+int32(r)))
		}
	}
	label := func(code asm.Instructions) asm.Instructions { code[0] = code[0].WithSymbol("sub"); return code }
	for _, tt := range []struct {
		name string
		code func(read asm.Instructions) asm.Instructions
		kept []asm.Register
	}{
		{"in a program that is tail called", nil, nil},
		{"after a tail call that goes on", func(read asm.Instructions) asm.Instructions { return seq(tailCall(1), read) },
			[]asm.Register{asm.R6, asm.R7, asm.R8, asm.R9}},
		{"in a function", func(read asm.Instructions) asm.Instructions {
			return seq(asm.Mov.Imm(asm.R1, 11), asm.Call.Label("sub"), exit, label(read))
		}, []asm.Register{asm.R1, asm.R2, asm.R3, asm.R4, asm.R5}},
		{"after a function", func(read asm.Instructions) asm.Instructions {
			return seq(asm.Call.Label("sub"), read, label(seq(fill[1:])), ret(10))
		}, []asm.Register{asm.R0, asm.R6, asm.R7, asm.R8, asm.R9}},
		{"after a helper", func(read asm.Instructions) asm.Instructions {
			return seq(asm.FnGetSmpProcessorId.Call(), read)
		}, []asm.Register{asm.R0, asm.R6, asm.R7, asm.R8, asm.R9}},
	} {
		for r := asm.R0; r <= asm.R9; r++ {
			read := seq(asm.Mov.Reg(asm.R0, r), exit)
			w := worldOf(&jit.V612, nil)
			w.CPU = 10
			var code asm.Instructions
			if tt.code == nil {
				code = seq(tailCall(0), ret(0))
				w.Held = worldOf(w.Layout, map[uint32][]*jit.Program{0: {parse(t, "f", read)}}).Held
			} else {
				code = tt.code(read)
			}
			got, err := runIn(t, w, fill, code)
			switch {
			case slices.Contains(tt.kept, r):
				if want := 10 + uint64(r); got != want || err != nil {
					t.Errorf("%s: %v is %d, %v, want %d", tt.name, r, got, err, want)
				}
			case r == asm.R1 && tt.code == nil:
				if err == nil || !strings.Contains(err.Error(), "computes with an address") {
					t.Errorf("%s: %v is %d, %v, want the context", tt.name, r, got, err)
				}
			case err == nil || !strings.Contains(err.Error(), "(Mov") || !strings.Contains(err.Error(), errUnset.Error()):
				t.Errorf("%s: %v is %d, %v, want %v", tt.name, r, got, err, errUnset)
			}
		}
	}
}

// TestArithmeticOfAddresses goes back and forth in the stack and in the context.
func TestArithmeticOfAddresses(t *testing.T) {
	w := mapWorld()
	w.Ctx[5] = 0x2a
	wantIn(t, w, 0x2a, asm.Add.Imm(asm.R1, 8), asm.Sub.Imm(asm.R1, 3), asm.LoadMem(asm.R0, asm.R1, 0, asm.Byte), exit)
	wantIn(t, w, 0x2a, asm.Mov.Imm(asm.R2, 5), asm.Add.Reg(asm.R2, asm.R1), asm.LoadMem(asm.R0, asm.R2, 0, asm.Byte), exit)
	wantIn(t, w, 3, asm.Mov.Reg(asm.R0, asm.R1), asm.Add.Imm(asm.R0, 3), asm.Sub.Reg(asm.R0, asm.R1), exit)
	refusesIn(t, w, "computes with an address", asm.Mov.Imm(asm.R0, 3), asm.Sub.Reg(asm.R0, asm.R1), exit)
	refusesIn(t, w, "computes with an address", asm.Add.Reg(asm.R1, asm.R10), ret(0))
	refusesIn(t, w, "computes with an address", mapPtr(asm.R1, "array"), asm.Sub.Imm(asm.R1, 3), ret(0))
}

// TestAddressesOfGoneStacks: what a function leaves in its caller's stack of its own is nothing,
// and nobody takes its stack along.
func TestAddressesOfGoneStacks(t *testing.T) {
	calls := func(left asm.Instructions, rest ...any) asm.Instructions {
		return seq(at(asm.R1, -8), storeWide(asm.R10, -16, 5), asm.Call.Label("sub"), seq(rest...), exit,
			left[0].WithSymbol("sub"), left[1:], ret(0))
	}
	refusesIn(t, mapWorld(), "reads what was never written",
		calls(seq(asm.StoreMem(asm.R1, 0, asm.R10, asm.DWord)), asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord)))
	wantIn(t, mapWorld(), 5, // another word of the same stack stays
		calls(seq(asm.StoreMem(asm.R1, 0, asm.R10, asm.DWord)), asm.LoadMem(asm.R0, asm.R10, -16, asm.DWord)))
	wantIn(t, mapWorld(), 9, // an address in the caller's own stack stays too
		calls(seq(asm.StoreMem(asm.R1, 0, asm.R1, asm.DWord)),
			asm.LoadMem(asm.R2, asm.R10, -8, asm.DWord), storeWide(asm.R2, -8, 9), asm.LoadMem(asm.R0, asm.R10, -16, asm.DWord)))

	f := parse(t, "f", ret(4))
	w := mapWorld()
	w.Held = func(string, uint32) []*jit.Program { return []*jit.Program{f} }
	call := seq(mapPtr(asm.R2, "progs"), asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call())
	refusesIn(t, w, "hands an address in its own stack to a tail call", asm.Mov.Reg(asm.R1, asm.R10), call, ret(1))
	wantIn(t, w, 4, asm.Mov.Reg(asm.R0, asm.R10), call, ret(1))                // what R0 holds, nobody takes along
	wantIn(t, w, 4, asm.Mov.Reg(asm.R1, asm.R10), asm.Call.Label("sub"), exit, // that of its caller is there
		call[0].WithSymbol("sub"), call[1:], ret(1))
}

func TestSizeOfTheContextInR2(t *testing.T) {
	w := mapWorld()
	refusesIn(t, w, "never written", asm.Mov.Reg(asm.R0, asm.R2), exit)
	w.SizeInR2 = true
	wantIn(t, w, uint64(len(w.Ctx)), asm.Mov.Reg(asm.R0, asm.R2), exit)
}

// TestUnknownMapIsCarriedAbout: the address of a variable of a map that the world does not have
// is one, as long as nothing is done with it.
func TestUnknownMapIsCarriedAbout(t *testing.T) {
	ptr := valuePtr(asm.R2, "elsewhere", 0)
	wantIn(t, mapWorld(), 3, ptr, ret(3))
	refusesIn(t, mapWorld(), "reads memory through the address of a map", ptr, asm.LoadMem(asm.R0, asm.R2, 0, asm.Byte), exit)
	refusesIn(t, mapWorld(), "r2 holds the address of a map, not a map", ptr, asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call(), ret(0))
	refusesIn(t, mapWorld(), "r1 holds the address of a map, not a map", valuePtr(asm.R1, "elsewhere", 0), asm.FnMapLookupElem.Call(), exit)
}

// TestAllMayStop stops after the first of two elements.
func TestAllMayStop(t *testing.T) {
	for _, m := range []*Map{
		{Kind: Array, KeySize: 4, ValueSize: 1, MaxEntries: 2},
		{Kind: Hash, KeySize: 4, ValueSize: 1, MaxEntries: 2},
	} {
		put(t, m, key4(0), []byte{1})
		put(t, m, key4(1), []byte{2})
		n := 0
		for range m.All() {
			n++
			break
		}
		if n != 1 {
			t.Errorf("%v: %d elements", m.Kind, n)
		}
	}
	for range (&Map{Kind: ProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}).All() {
		t.Error("a prog array has elements")
	}
}

func TestWords(t *testing.T) {
	for k, want := range map[MapKind]string{
		Array: "an array", PerCPUArray: "a per-CPU array", Hash: "a hash", ProgArray: "a prog array", 9: "MapKind(9)",
	} {
		if got := k.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for k, want := range map[kind]string{
		unset: "nothing", number: "a number", anything: "an unknown number", inCtx: "an address in the context",
		inStack: "an address in a stack", inPacket: "an address in the packet", inValue: "an address in a map's value",
		ofMap: "the address of a map", ofFunc: "the address of a function", 99: "kind(99)",
	} {
		if got := k.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestWorldsThatSayTooLittle leaves out what a world must say.
func TestWorldsThatSayTooLittle(t *testing.T) {
	for want, edit := range map[string]func(w *World){
		"world without a layout":                                func(w *World) { w.Layout = nil },
		"world that does not say what its maps hold":            func(w *World) { w.Held = nil },
		"world that does not say what its maps hold.":           func(w *World) { w.MaxEntries = nil },
		"there is no context of kind 99":                        func(w *World) { w.CtxKind = 99 },
		"in a world with unknown numbers there is not one path": func(w *World) { w.Shared = true },
	} {
		w := worldOf(&jit.V510, nil)
		edit(&w)
		if _, err := Run(parse(t, "x", ret(0)), w); err == nil || err.Error() != strings.TrimSuffix(want, ".") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestBoundsAreExact: a run of as many steps, states and pending functions as the bounds allow
// ends; one of one more does not.
func TestBoundsAreExact(t *testing.T) {
	insns := slices.Repeat(asm.Instructions{asm.Mov.Imm(asm.R0, 0)}, 9)
	for steps, ends := range map[int]bool{9: false, 10: true} {
		w := worldOf(&jit.V510, nil)
		w.MaxSteps = steps
		if _, err := Run(parse(t, "x", insns, exit), w); (err == nil) != ends {
			t.Errorf("10 steps of %d: %v", steps, err)
		}
	}
	entry := parse(t, "entry", tailCall(0), ret(1))
	for states, ends := range map[int]bool{33: false, 34: true} {
		w := worldOf(&jit.V510, map[uint32][]*jit.Program{0: {entry}})
		w.MaxStates = states
		if _, err := Outcomes(entry, w); (err == nil) != ends {
			t.Errorf("34 states of %d: %v", states, err)
		}
	}
	// Each of 34 programs calls seven functions deep, and the last function calls on.
	var parts []any
	parts = append(parts, asm.Call.Label("f1"), exit)
	for i := 1; i < jit.MaxCallFrames-1; i++ {
		parts = append(parts, asm.Call.Label(fmt.Sprintf("f%d", i+1)).WithSymbol(fmt.Sprintf("f%d", i)), exit)
	}
	call := tailCall(0)
	deep := parse(t, "deep", append(parts, call[0].WithSymbol(fmt.Sprintf("f%d", jit.MaxCallFrames-1)), call[1:], ret(6))...)
	if o, err := Run(deep, worldOf(&jit.V510, map[uint32][]*jit.Program{0: {deep}})); err != nil || o.R0 != 6 || len(o.Tails) != 33 {
		t.Errorf("%+v, %v", o, err)
	}
}
