package interp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"tailpoke/jit"
)

// parse makes a program of parts that are instructions or lists of them.
func parse(t testing.TB, name string, parts ...any) *jit.Program {
	t.Helper()
	var insns asm.Instructions
	for _, part := range parts {
		switch v := part.(type) {
		case asm.Instruction:
			insns = append(insns, v)
		case asm.Instructions:
			insns = append(insns, v...)
		default:
			t.Fatalf("part of type %T", part)
		}
	}
	p, err := jit.Parse(name, insns)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tailCall tail calls a key of the map m. R1 is the context.
func tailCall(key int32) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapPtr(asm.R2, 0).WithReference("m"),
		asm.Mov.Imm(asm.R3, key),
		asm.FnTailCall.Call(),
	}
}

// Outcomes computes what entry may return, ascending in R0.
func Outcomes(entry *jit.Program, w World) ([]Outcome, error) {
	res, err := Explore(entry, w)
	if err != nil {
		return nil, err
	}
	return res.Outcomes, nil
}

func ret(v int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, v), asm.Return()}
}

// count adds one to a word of the context and reads it back into R0.
func count(off int16) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, off, asm.Word),
		asm.Add.Imm(asm.R0, 1),
		asm.StoreMem(asm.R1, off, asm.R0, asm.Word),
	}
}

// keep saves the context over a tail call, and gives it back.
var (
	keep    = asm.Mov.Reg(asm.R6, asm.R1)
	restore = asm.Mov.Reg(asm.R1, asm.R6)
)

// loadFunc loads the address of a function, and sub is the code of one.
func loadFunc(dst asm.Register, name string) asm.Instruction {
	return asm.Instruction{OpCode: asm.LoadImmOp(asm.DWord), Dst: dst, Src: asm.PseudoFunc, Constant: -1}.WithReference(name)
}

func sub(insns asm.Instructions) asm.Instructions {
	insns[0] = insns[0].WithSymbol("sub")
	return insns
}

// worldOf says what each key of m, which has four, may hold.
func worldOf(l *jit.Layout, held map[uint32][]*jit.Program) World {
	return World{
		Ctx: make([]byte, 64),
		Held: func(_ string, key uint32) []*jit.Program {
			if h, ok := held[key]; ok {
				return h
			}
			return []*jit.Program{nil}
		},
		MaxEntries: func(string) uint32 { return 4 },
		Layout:     l,
	}
}

func TestOutcomes(t *testing.T) {
	f, g := parse(t, "f", ret(1)), parse(t, "g", ret(2))
	alike := parse(t, "alike", ret(7))
	entry := parse(t, "entry", tailCall(0), ret(7))
	relay := parse(t, "relay", tailCall(1), ret(8))
	writes := parse(t, "writes", count(8), count(20), ret(9))
	for _, tt := range []struct {
		name  string
		entry *jit.Program
		held  map[uint32][]*jit.Program
		want  []Outcome
	}{
		{"empty key", entry, nil, []Outcome{{R0: 7, Last: []string{""}, Missed: true}}},
		{"one program", entry, map[uint32][]*jit.Program{0: {f}},
			[]Outcome{{R0: 1, Tails: []string{"f"}, Last: []string{"f"}}}},
		{"empty, or one of two", entry, map[uint32][]*jit.Program{0: {nil, f, g}}, []Outcome{
			{R0: 1, Tails: []string{"f"}, Last: []string{"f"}},
			{R0: 2, Tails: []string{"g"}, Last: []string{"g"}},
			{R0: 7, Last: []string{""}, Missed: true}}},
		{"a result that does not tell", entry, map[uint32][]*jit.Program{0: {alike, nil}}, []Outcome{
			{R0: 7, Last: []string{"", "alike"}, Missed: true}}},
		{"a chain", entry, map[uint32][]*jit.Program{0: {relay}, 1: {nil, f}}, []Outcome{
			{R0: 1, Tails: []string{"relay", "f"}, Last: []string{"f"}},
			{R0: 8, Tails: []string{"relay"}, Last: []string{"relay"}, Missed: true}}},
		{"the shortest of two ways", entry, map[uint32][]*jit.Program{0: {relay, f}, 1: {f}}, []Outcome{
			{R0: 1, Tails: []string{"f"}, Last: []string{"f"}}}},
		{"the context is written", entry, map[uint32][]*jit.Program{0: {writes}}, []Outcome{
			{R0: 9, Tails: []string{"writes"}, Last: []string{"writes"}, CtxWritten: true}}},
		{"key out of range", parse(t, "wide", tailCall(4), ret(5)), map[uint32][]*jit.Program{4: {f}},
			[]Outcome{{R0: 5, Last: []string{""}, Missed: true}}},
		{"key above 32 bits is cut", parse(t, "cut",
			asm.LoadMapPtr(asm.R2, 0).WithReference("m"), asm.LoadImm(asm.R3, 1<<32, asm.DWord),
			asm.FnTailCall.Call(), ret(5)), map[uint32][]*jit.Program{0: {f}},
			[]Outcome{{R0: 1, Tails: []string{"f"}, Last: []string{"f"}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Outcomes(tt.entry, worldOf(&jit.V510, tt.held))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("want - got:\n%s", diff)
			}
		})
	}
}

func TestWrittenRange(t *testing.T) {
	far := parse(t, "far", asm.StoreImm(asm.R1, 40, 1, asm.Half), ret(1))
	near := parse(t, "near", asm.StoreImm(asm.R1, 8, 1, asm.Byte), ret(1))
	entry := parse(t, "entry", tailCall(0), ret(7))
	w := worldOf(&jit.V510, map[uint32][]*jit.Program{0: {far, near, nil}})
	res, err := Explore(entry, w)
	if err != nil {
		t.Fatal(err)
	}
	if res.CtxLo != 8 || res.CtxHi != 42 {
		t.Errorf("written [%d,%d), want [8,42)", res.CtxLo, res.CtxHi)
	}
	if slices.ContainsFunc(w.Ctx, func(b byte) bool { return b != 0 }) {
		t.Error("the world's own context was written")
	}
}

// TestAHelperWritesTheContext: what may have been written there is all of it.
func TestAHelperWritesTheContext(t *testing.T) {
	w := sharedWorld()
	w.Unknown = true
	res, err := Explore(parse(t, "x", asm.Mov.Imm(asm.R2, 14), asm.FnSkbPullData.Call(), ret(1)), w)
	if err != nil {
		t.Fatal(err)
	}
	if res.CtxLo != 0 || res.CtxHi != len(w.Ctx) {
		t.Errorf("written [%d,%d) of %d", res.CtxLo, res.CtxHi, len(w.Ctx))
	}
}

func TestLimitOfTailCalls(t *testing.T) {
	for _, l := range []*jit.Layout{&jit.SeedLayout, &jit.V510, &jit.V612} {
		entry := parse(t, "self", keep, count(0), tailCall(0),
			asm.LoadMem(asm.R0, asm.R6, 0, asm.Word), asm.Return())
		w := worldOf(l, map[uint32][]*jit.Program{0: {entry}})
		o, err := Run(entry, w)
		if err != nil {
			t.Fatal(err)
		}
		if o.R0 != 34 || len(o.Tails) != 33 || !o.Missed {
			t.Errorf("%s: %d executions by %d tail calls, want 34 by 33", l.Name, o.R0, len(o.Tails))
		}
	}
}

func TestMissesSpendTheBudget(t *testing.T) {
	f := parse(t, "f", ret(1))
	var parts []any
	parts = append(parts, keep)
	for range 33 {
		parts = append(parts, restore, tailCall(1))
	}
	entry := parse(t, "entry", append(parts, restore, tailCall(0), ret(2))...)
	for l, want := range map[*jit.Layout]uint64{&jit.V510: 2, &jit.SeedLayout: 2, &jit.V612: 1} {
		o, err := Run(entry, worldOf(l, map[uint32][]*jit.Program{0: {f}}))
		if err != nil {
			t.Fatal(err)
		}
		if o.R0 != want {
			t.Errorf("%s: after 33 misses the result is %d, want %d", l.Name, o.R0, want)
		}
	}
	// A key that the map does not have is free in every era.
	parts = []any{keep}
	for range 33 {
		parts = append(parts, restore, tailCall(9))
	}
	entry = parse(t, "entry", append(parts, restore, tailCall(0), ret(2))...)
	o, err := Run(entry, worldOf(&jit.V510, map[uint32][]*jit.Program{0: {f}}))
	if err != nil || o.R0 != 1 {
		t.Errorf("after 33 keys out of range: %d, %v, want 1", o.R0, err)
	}
}

// nested calls a function that tail calls the program again, twice, and counts executions.
func nested(t *testing.T, calls int) *jit.Program {
	parts := []any{keep, count(0)}
	for range calls {
		parts = append(parts, restore, asm.Call.Label("sub"))
	}
	parts = append(parts, asm.LoadMem(asm.R0, asm.R6, 0, asm.Word), asm.Return(),
		tailCall(0)[0].WithSymbol("sub"), tailCall(0)[1:], ret(0))
	return parse(t, "nested", parts...)
}

func TestCounterInSubprograms(t *testing.T) {
	for _, tt := range []struct {
		l     *jit.Layout
		calls int
		want  uint64
		err   error
	}{
		{&jit.SeedLayout, 1, 0, ErrBounded}, // the counter starts anew in every subprogram
		{&jit.V510, 1, 34, nil},
		{&jit.V510, 2, 0, ErrBounded}, // each of the two has the whole budget: 2^33 executions
		{&jit.V612, 1, 34, nil},
		{&jit.V612, 2, 34, nil},
	} {
		entry := nested(t, tt.calls)
		w := worldOf(tt.l, map[uint32][]*jit.Program{0: {entry}})
		w.MaxSteps = 1 << 14
		o, err := Run(entry, w)
		if !errors.Is(err, tt.err) || o.R0 != tt.want {
			t.Errorf("%s, %d calls: %d, %v; want %d, %v", tt.l.Name, tt.calls, o.R0, err, tt.want, tt.err)
		}
	}
}

// TestChoicesDoNotExplode has three choices at each of 33 tail calls: 3^33 paths.
func TestChoicesDoNotExplode(t *testing.T) {
	a, b := parse(t, "a", tailCall(0), ret(1)), parse(t, "b", tailCall(0), ret(2))
	res, err := Explore(a, worldOf(&jit.V510, map[uint32][]*jit.Program{0: {a, b, nil}}))
	if err != nil {
		t.Fatal(err)
	}
	want := []Outcome{
		{R0: 1, Last: []string{"", "a"}, Missed: true},
		{R0: 2, Tails: []string{"b"}, Last: []string{"b"}, Missed: true},
	}
	if diff := cmp.Diff(want, res.Outcomes); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
	// The entry, then each of the two after 1 to 33 tail calls.
	if want := 1 + 2*33; res.States != want {
		t.Errorf("%d states, want %d", res.States, want)
	}
}

func TestBounds(t *testing.T) {
	loop := parse(t, "loop", asm.Mov.Imm(asm.R0, 0).WithSymbol("again"), asm.Ja.Label("again"))
	_, err := Outcomes(loop, worldOf(&jit.V510, nil))
	if !errors.Is(err, ErrBounded) || !strings.HasPrefix(err.Error(), "loop: insn ") {
		t.Errorf("error %v, want ErrBounded at an instruction", err)
	}
	entry := parse(t, "entry", tailCall(0), ret(1))
	w := worldOf(&jit.V510, map[uint32][]*jit.Program{0: {entry}})
	w.MaxStates = 5
	if _, err := Outcomes(entry, w); !errors.Is(err, ErrBounded) {
		t.Errorf("error %v, want ErrBounded", err)
	}
	stop := make(chan struct{})
	w.MaxStates, w.Stop = 0, stop
	if _, err := Outcomes(entry, w); err != nil {
		t.Errorf("not stopped: %v", err)
	}
	close(stop)
	if _, err := Outcomes(entry, w); !errors.Is(err, ErrBounded) {
		t.Errorf("stopped: error %v, want ErrBounded", err)
	}
}

func TestRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parts []any
		want  string
	}{
		{"a register never written", []any{asm.Mov.Reg(asm.R0, asm.R5), asm.Return()},
			"x: insn 0 (MovReg dst: r0 src: r5): reads what was never written"},
		{"a result never written", []any{asm.Return()}, "insn 0 (Exit): r0 at exit"},
		{"arguments after a miss", []any{tailCall(0), asm.Mov.Reg(asm.R0, asm.R3), asm.Return()}, "insn 3"},
		{"r0 after a miss", []any{tailCall(0), asm.Return()}, "insn 3"},
		{"a stack byte never written", []any{asm.StoreImm(asm.R10, -8, 1, asm.Word),
			asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), asm.Return()}, "insn 1"},
		{"below the stack", []any{asm.Mov.Reg(asm.R2, asm.R10), asm.StoreMem(asm.R10, -8, asm.R2, asm.DWord),
			asm.LoadMem(asm.R3, asm.R10, -8, asm.DWord), asm.StoreImm(asm.R3, -16, 1, asm.Word), ret(0)},
			"insn 3 (StMemW dst: r3 src: r0 off: -16 imm: 1): access is outside of its memory"},
		{"past the context", []any{asm.LoadMem(asm.R0, asm.R1, 61, asm.Word), asm.Return()},
			"4 bytes at +61 of a context of 64"},
		{"before the context", []any{asm.LoadMem(asm.R0, asm.R1, -1, asm.Byte), asm.Return()}, "insn 0"},
		{"a number as address", []any{asm.Mov.Imm(asm.R2, 64), asm.LoadMem(asm.R0, asm.R2, 0, asm.Byte), asm.Return()},
			"reads memory through a number"},
		{"a map's memory", []any{tailCall(0)[0], asm.LoadMem(asm.R0, asm.R2, 0, asm.Byte), asm.Return()},
			"through the address of a map"},
		{"an address as result", []any{asm.Mov.Reg(asm.R0, asm.R1), asm.Return()}, "computes with an address"},
		{"an address in the context", []any{asm.StoreMem(asm.R1, 0, asm.R10, asm.DWord), ret(0)}, "insn 0"},
		{"half an address", []any{asm.StoreMem(asm.R10, -8, asm.R1, asm.DWord),
			asm.LoadMem(asm.R0, asm.R10, -8, asm.Word), asm.Return()}, "insn 1"},
		{"multiplies an address", []any{asm.Mul.Imm(asm.R1, 2), ret(0)}, "computes with an address"},
		{"no map", []any{asm.Mov.Imm(asm.R2, 0), asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call(), ret(0)},
			"insn 2 (Call FnTailCall): r2 holds a number, not a map"},
		{"a stack that is gone", []any{asm.Call.Label("sub"), ret(0),
			asm.Mov.Reg(asm.R0, asm.R10).WithSymbol("sub"), asm.Return()}, "returns an address in its own stack"},
		{"a call of a number", []any{asm.Mov.Imm(asm.R1, 4), asm.Instruction{OpCode: 0x8d, Dst: asm.R1}, ret(0)},
			": calls a number"},
		{"arithmetic on a function", []any{loadFunc(asm.R1, "sub"), asm.Add.Imm(asm.R1, 1), ret(0), sub(ret(0))},
			"computes with an address"},
		{"memory of a function", []any{loadFunc(asm.R1, "sub"), asm.LoadMem(asm.R0, asm.R1, 0, asm.Byte), asm.Return(), sub(ret(0))},
			"reads memory through the address of a function"},
		{"r6 of the caller", []any{keep, asm.Call.Label("sub"), ret(0),
			asm.Mov.Reg(asm.R0, asm.R6).WithSymbol("sub"), asm.Return()}, "insn 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Outcomes(parse(t, "x", tt.parts...), worldOf(&jit.V510, nil))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	p := parse(t, "x", ret(0))
	if _, err := Outcomes(p, World{}); err == nil {
		t.Error("a world without a layout was accepted")
	}
	w := worldOf(&jit.V510, map[uint32][]*jit.Program{0: {}})
	if _, err := Outcomes(parse(t, "x", tailCall(0), ret(0)), w); err == nil {
		t.Error("a key that may hold nothing, not even nil, was accepted")
	}
	w = worldOf(&jit.V510, map[uint32][]*jit.Program{0: {nil, p}})
	if _, err := Run(parse(t, "x", tailCall(0), ret(0)), w); err == nil {
		t.Error("Run accepted a choice")
	}
}

// TestFunctions passes arguments, an address in the caller's stack among them, and keeps R6.
func TestFunctions(t *testing.T) {
	p := parse(t, "x",
		asm.Mov.Imm(asm.R6, 5),
		asm.StoreImm(asm.R10, -8, 30, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R10), asm.Add.Imm(asm.R1, -8),
		asm.Mov.Imm(asm.R2, 400),
		asm.Call.Label("sub"),
		asm.Add.Reg(asm.R0, asm.R6),
		asm.LoadMem(asm.R1, asm.R10, -8, asm.Word),
		asm.Add.Reg(asm.R0, asm.R1),
		asm.Return(),
		asm.LoadMem(asm.R0, asm.R1, 0, asm.Word).WithSymbol("sub"),
		asm.StoreImm(asm.R1, 0, 1000, asm.Word),
		asm.Mov.Imm(asm.R6, 77),
		asm.Add.Reg(asm.R0, asm.R2),
		asm.Return())
	o, err := Run(p, worldOf(&jit.V510, nil))
	if err != nil || o.R0 != 30+400+5+1000 {
		t.Errorf("result %d, %v", o.R0, err)
	}
}

// TestTailCallInSubprogram replaces the function, not the program that called it.
func TestTailCallInSubprogram(t *testing.T) {
	f := parse(t, "f", asm.LoadMem(asm.R0, asm.R1, 0, asm.Word), asm.Mov.Imm(asm.R6, 0), asm.Return())
	entry := parse(t, "entry",
		asm.StoreImm(asm.R1, 0, 40, asm.Word),
		asm.Mov.Imm(asm.R6, 2),
		asm.Call.Label("sub"),
		asm.Add.Reg(asm.R0, asm.R6), asm.Return(),
		tailCall(0)[0].WithSymbol("sub"), tailCall(0)[1:], ret(100))
	got, err := Outcomes(entry, worldOf(&jit.V510, map[uint32][]*jit.Program{0: {f, nil}}))
	if err != nil {
		t.Fatal(err)
	}
	want := []Outcome{
		{R0: 42, Tails: []string{"f"}, Last: []string{"f"}, CtxWritten: true},
		{R0: 102, Last: []string{""}, Missed: true, CtxWritten: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
}

func TestAtomics(t *testing.T) {
	const before, src = 0xf0f0_f0f0_0000_00ff, 0x0ff0_0000_ffff_ff01
	for _, size := range []asm.Size{asm.Word, asm.DWord} {
		mask := ^uint64(0) >> (64 - 8*size.Sizeof())
		for op, want := range map[asm.AtomicOp]uint64{
			asm.AddAtomic: before&mask + src&mask, asm.FetchAdd: before&mask + src&mask,
			asm.AndAtomic: before & src, asm.FetchAnd: before & src,
			asm.OrAtomic: before | src, asm.FetchOr: before | src,
			asm.XorAtomic: before ^ src, asm.FetchXor: before ^ src,
			asm.Xchg: src, asm.CmpXchg: src,
		} {
			p := parse(t, "x",
				asm.LoadImm(asm.R3, -0xf0f_0f0f_ffff_ff01, asm.DWord), // before
				asm.LoadImm(asm.R4, src, asm.DWord),
				asm.StoreMem(asm.R10, -8, asm.R3, asm.DWord),
				asm.Mov.Reg(asm.R0, asm.R3),
				op.Mem(asm.R10, asm.R4, size, -8),
				asm.LoadMem(asm.R0, asm.R10, -8, size),
				asm.Return())
			if o, err := Run(p, worldOf(&jit.V510, nil)); err != nil || o.R0 != want&mask {
				t.Errorf("%v of %d bytes: %#x, %v; want %#x", op, size.Sizeof(), o.R0, err, want&mask)
			}
			fetched := map[asm.AtomicOp]asm.Register{asm.CmpXchg: asm.R0}
			for _, f := range []asm.AtomicOp{asm.FetchAdd, asm.FetchAnd, asm.FetchOr, asm.FetchXor, asm.Xchg} {
				fetched[f] = asm.R4
			}
			r, ok := fetched[op]
			if !ok {
				continue
			}
			insns := append(slices.Clone(p.Insns[:5]), asm.Mov.Reg(asm.R0, r), asm.Return())
			if o, err := Run(parse(t, "x", insns), worldOf(&jit.V510, nil)); err != nil || o.R0 != before&mask {
				t.Errorf("%v of %d bytes fetches %#x, %v; want %#x", op, size.Sizeof(), o.R0, err, before&mask)
			}
		}
	}
}

func TestCmpXchgThatDoesNotMatch(t *testing.T) {
	p := parse(t, "x",
		asm.StoreImm(asm.R10, -8, 5, asm.Word), asm.Mov.Imm(asm.R0, 6), asm.Mov.Imm(asm.R1, 7),
		asm.CmpXchg.Mem(asm.R10, asm.R1, asm.Word, -8),
		asm.LoadMem(asm.R1, asm.R10, -8, asm.Word),
		asm.LSh.Imm(asm.R0, 8), asm.Or.Reg(asm.R0, asm.R1), asm.Return())
	if o, err := Run(p, worldOf(&jit.V510, nil)); err != nil || o.R0 != 5<<8|5 {
		t.Errorf("%#x, %v", o.R0, err)
	}
}

func ExampleOutcomes() {
	f, _ := jit.Parse("f", ret(1))
	entry, _ := jit.Parse("entry", append(tailCall(0), ret(7)...))
	outcomes, err := Outcomes(entry, World{
		Held:       func(string, uint32) []*jit.Program { return []*jit.Program{nil, f} },
		MaxEntries: func(string) uint32 { return 1 },
		Layout:     &jit.V510,
	})
	for _, o := range outcomes {
		fmt.Println(o.R0, o.Tails, o.Missed)
	}
	fmt.Println(err)
	// Output:
	// 1 [f] false
	// 7 [] true
	// <nil>
}

// TestCallThroughRegister chooses one of two functions.
func TestCallThroughRegister(t *testing.T) {
	for key, want := range map[byte]uint64{0: 107, 1: 207} {
		p := parse(t, "x",
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Byte), loadFunc(asm.R7, "hundred"),
			asm.JEq.Imm(asm.R2, 0, "call"), loadFunc(asm.R7, "twohundred"),
			asm.Mov.Imm(asm.R1, 7).WithSymbol("call"), asm.Instruction{OpCode: 0x8d, Dst: asm.R7}, asm.Return(),
			asm.Mov.Reg(asm.R0, asm.R1).WithSymbol("hundred"), asm.Add.Imm(asm.R0, 100), asm.Return(),
			asm.Mov.Reg(asm.R0, asm.R1).WithSymbol("twohundred"), asm.Add.Imm(asm.R0, 200), asm.Return())
		w := worldOf(&jit.V612, nil)
		w.Ctx[0] = key
		if o, err := Run(p, w); err != nil || o.R0 != want {
			t.Errorf("key %d: %d, %v, want %d", key, o.R0, err, want)
		}
	}
}

func TestTranslatedProgramsAreNotRun(t *testing.T) {
	for _, ins := range []asm.Instruction{
		{OpCode: asm.Call.Op(asm.ImmSource), Constant: 0x12345},
		{OpCode: asm.Mov.Op(asm.RegSource), Dst: asm.R1, Src: asm.R1, Offset: -1},
	} {
		p, err := jit.ParseTranslated("x", asm.Instructions{ins, asm.Mov.Imm(asm.R0, 0), asm.Return()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Run(p, worldOf(&jit.V612, nil)); err == nil {
			t.Errorf("ran %v", ins)
		}
	}
}
