package interp

import (
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"tailpoke/jit"
)

// inSub calls a function that tail calls key 0, and then goes on with rest. The context is
// in R6 there.
func inSub(t *testing.T, rest ...any) *jit.Program {
	parts := append([]any{keep, asm.Call.Label("sub")}, rest...)
	return parse(t, "entry", append(parts,
		tailCall(0)[0].WithSymbol("sub"), tailCall(0)[1:], ret(0))...)
}

// values are the results, with the last programs that led to each.
func values(t *testing.T, entry *jit.Program, held map[uint32][]*jit.Program) map[uint64]string {
	t.Helper()
	outcomes, err := Outcomes(entry, worldOf(&jit.V510, held))
	if err != nil {
		t.Fatal(err)
	}
	got := map[uint64]string{}
	for _, o := range outcomes {
		got[o.R0] = strings.Join(o.Last, " ")
	}
	return got
}

// TestKindsAreToldApart: what is remembered of a register tells a number from an address of the same
// offset, and from anything.
func TestKindsAreToldApart(t *testing.T) {
	seen := map[string]value{}
	for _, v := range []value{num(8), {kind: anything, n: 8}, {kind: inStack, n: 8}, {kind: inCtx, n: 8}, {kind: inCtx, n: 8, loose: true}} {
		key := string(v.append(nil))
		if other, is := seen[key]; is {
			t.Errorf("%+v and %+v are one", v, other)
		}
		seen[key] = v
	}
}

// TestPathsMeetOnlyInEqualStates has two programs that differ in what they leave, and a tail
// call after them at which paths are compared. Unless the way itself is what differs, the two have
// one name.
func TestPathsMeetOnlyInEqualStates(t *testing.T) {
	leave := func(name string, ctx, r0 int32) *jit.Program {
		return parse(t, name, asm.StoreImm(asm.R1, 0, int64(ctx), asm.Byte), ret(r0))
	}
	for _, tt := range []struct {
		name  string
		a, b  *jit.Program
		entry *jit.Program
		want  map[uint64]string
	}{
		{"nothing but the way", leave("a", 1, 1), leave("b", 1, 1),
			inSub(t, restore, tailCall(1), ret(5)), map[uint64]string{5: "a b"}},
		{"the context", leave("a", 1, 0), leave("a", 2, 0),
			inSub(t, restore, tailCall(1), asm.LoadMem(asm.R0, asm.R6, 0, asm.Byte), asm.Return()),
			map[uint64]string{1: "a", 2: "a"}},
		{"the stack", leave("a", 0, 1), leave("a", 0, 2),
			inSub(t, asm.StoreMem(asm.R10, -8, asm.R0, asm.DWord), asm.Mov.Imm(asm.R0, 0), restore,
				tailCall(1), asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), asm.Return()),
			map[uint64]string{1: "a", 2: "a"}},
		{"which bytes of the context", leave("a", 1, 0), parse(t, "a", asm.StoreImm(asm.R1, 4, 1, asm.Byte), ret(0)),
			inSub(t, restore, tailCall(1), asm.LoadMem(asm.R0, asm.R6, 0, asm.Byte), asm.Return()),
			map[uint64]string{0: "a", 1: "a"}},
		{"a register", leave("a", 0, 1), leave("a", 0, 2),
			inSub(t, asm.Mov.Reg(asm.R7, asm.R0), asm.Mov.Imm(asm.R0, 0), restore, tailCall(1), asm.Mov.Reg(asm.R0, asm.R7), asm.Return()),
			map[uint64]string{1: "a", 2: "a"}},
		{"a register of the caller", leave("a", 0, 1), leave("a", 0, 2),
			inSub(t, asm.Mov.Reg(asm.R7, asm.R0), restore, asm.Call.Label("sub1"), asm.Mov.Reg(asm.R0, asm.R7), asm.Return(),
				tailCall(1)[0].WithSymbol("sub1"), tailCall(1)[1:], ret(0)),
			map[uint64]string{1: "a", 2: "a"}},
		{"where a function returns to", leave("a", 0, 1), leave("a", 0, 2),
			inSub(t, restore, asm.JEq.Imm(asm.R0, 1, "one"),
				asm.Call.Label("sub1"), ret(2), asm.Call.Label("sub1").WithSymbol("one"), ret(1),
				tailCall(1)[0].WithSymbol("sub1"), tailCall(1)[1:], ret(0)),
			map[uint64]string{1: "a", 2: "a"}},
		{"the program", parse(t, "a", tailCall(1), ret(1)), parse(t, "a", tailCall(1), ret(2)),
			parse(t, "entry", tailCall(0), ret(0)), map[uint64]string{1: "a", 2: "a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := values(t, tt.entry, map[uint32][]*jit.Program{0: {tt.a, tt.b}})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("want - got:\n%s", diff)
			}
		})
	}
}

// TestPathsMeetOnlyIfBothMissed: where paths meet that differ in nothing but in a tail call that went
// on in its caller, the result still says that one did, whichever comes first.
func TestPathsMeetOnlyIfBothMissed(t *testing.T) {
	programs := []*jit.Program{parse(t, "a", ret(1)), parse(t, "a", tailCall(1), ret(1))}
	for range 2 {
		got, err := Outcomes(inSub(t, restore, tailCall(2), ret(0)),
			worldOf(&jit.V510, map[uint32][]*jit.Program{0: programs, 2: {parse(t, "f", ret(5))}}))
		want := []Outcome{{R0: 5, Tails: []string{"a", "f"}, Last: []string{"f"}, Missed: true}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v, want - got:\n%s", err, diff)
		}
		slices.Reverse(programs)
	}
}

func TestPathsDoNotSeeOneAnother(t *testing.T) {
	reader := parse(t, "reader", asm.LoadMem(asm.R0, asm.R1, 0, asm.Byte), asm.Return())
	entry := parse(t, "entry", keep, tailCall(0), asm.StoreImm(asm.R6, 0, 1, asm.Byte), ret(7))
	got := values(t, entry, map[uint32][]*jit.Program{0: {nil, reader}})
	if diff := cmp.Diff(map[uint64]string{0: "reader", 7: ""}, got); diff != "" {
		t.Errorf("context: want - got:\n%s", diff)
	}

	f := parse(t, "f", ret(0))
	entry = parse(t, "entry",
		asm.StoreImm(asm.R10, -8, 0, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -8),
		asm.Call.Label("sub"),
		asm.LoadMem(asm.R0, asm.R10, -8, asm.Word), asm.Return(),
		asm.Mov.Reg(asm.R6, asm.R2).WithSymbol("sub"), tailCall(0),
		asm.StoreImm(asm.R6, 0, 1, asm.Word), ret(0))
	got = values(t, entry, map[uint32][]*jit.Program{0: {nil, f}})
	if diff := cmp.Diff(map[uint64]string{0: "f", 1: ""}, got); diff != "" {
		t.Errorf("stack: want - got:\n%s", diff)
	}
}

// TestShortestCountsTailCalls offers one tail call after three misses, or two at once.
func TestShortestCountsTailCalls(t *testing.T) {
	f := parse(t, "f", ret(1))
	relay := parse(t, "relay", tailCall(1), ret(2))
	entry := parse(t, "entry", keep, tailCall(0), restore, tailCall(2), restore, tailCall(3),
		restore, tailCall(1), ret(3))
	outcomes, err := Outcomes(entry, worldOf(&jit.V510, map[uint32][]*jit.Program{0: {nil, relay}, 1: {f}}))
	if err != nil {
		t.Fatal(err)
	}
	want := []Outcome{{R0: 1, Tails: []string{"f"}, Last: []string{"f"}, Missed: true}}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
}

func TestAddressesCompareByTheirOrder(t *testing.T) {
	p := parse(t, "x", asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -8),
		asm.JLT.Reg(asm.R2, asm.R10, "below"), ret(0), asm.Mov.Imm(asm.R0, 1).WithSymbol("below"), asm.Return())
	if o, err := Run(p, worldOf(&jit.V510, nil)); err != nil || o.R0 != 1 {
		t.Errorf("fp-8 < fp: %d, %v", o.R0, err)
	}
}

func TestHalfOverwrittenAddressIsNothing(t *testing.T) {
	p := parse(t, "x", asm.StoreMem(asm.R10, -8, asm.R1, asm.DWord), asm.StoreImm(asm.R10, -8, 1, asm.Word),
		asm.LoadMem(asm.R0, asm.R10, -4, asm.Word), asm.Return())
	_, err := Run(p, worldOf(&jit.V510, nil))
	if err == nil || !strings.Contains(err.Error(), "insn 2 ") || !strings.Contains(err.Error(), errUnset.Error()) {
		t.Errorf("error %v, want %v", err, errUnset)
	}
}
