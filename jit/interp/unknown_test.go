package interp

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"tailpoke/jit"
)

// known are the numbers that instructions may return in a world where much is unknown, and whether they
// may return another.
func known(t *testing.T, parts ...any) (got []uint64, any bool, err error) {
	t.Helper()
	w := sharedWorld()
	w.Unknown = true
	res, err := Explore(parse(t, "x", parts...), w)
	if err != nil {
		return nil, false, err
	}
	for _, o := range res.Outcomes {
		got = append(got, o.R0)
	}
	return got, res.Unknown != nil, nil
}

// TestUnknown: what cannot be predicted is unknown, and what does not depend on it is known.
func TestUnknown(t *testing.T) {
	comm := asm.FnGetCurrentComm.Call()
	kfunc := asm.Instruction{OpCode: 0x85, Src: asm.PseudoKfuncCall, Constant: -1}
	for _, tt := range []struct {
		name string
		code asm.Instructions
		want []uint64
		any  bool
	}{
		{"a helper without a model", seq(asm.FnGetCurrentTask.Call(), either), []uint64{1, 2}, false},
		{"its result, where R0 held a number", seq(asm.Mov.Imm(asm.R0, 7), asm.FnGetCurrentTask.Call(), exit), nil, true},
		{"its result", seq(asm.FnGetCurrentTask.Call(), exit), nil, true},
		{"a kernel function", seq(asm.Mov.Imm(asm.R1, 0), kfunc, exit), nil, true},
		{"what a kernel function is given", seq(storeWide(asm.R10, -8, 1), at(asm.R1, -8), kfunc, asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), exit), nil, true},
		{"a buffer that is filled", seq(storeWide(asm.R10, -16, 1), at(asm.R1, -16), asm.Mov.Imm(asm.R2, 8), comm,
			asm.LoadMem(asm.R0, asm.R10, -16, asm.DWord), exit), nil, true},
		{"what lies after it", seq(storeWide(asm.R10, -8, 7), at(asm.R1, -16), asm.Mov.Imm(asm.R2, 8), comm,
			asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), exit), []uint64{7}, false},
		{"an unknown number of bytes", seq(unknownR7, storeWide(asm.R10, -8, 7), at(asm.R1, -16), asm.Mov.Reg(asm.R2, asm.R7), comm,
			asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), exit), nil, true},
		{"a buffer that is read alone", seq(storeWide(asm.R10, -8, 7), at(asm.R4, -8), asm.Mov.Imm(asm.R5, 8), asm.Mov.Imm(asm.R2, 0), asm.Mov.Imm(asm.R3, 0),
			asm.FnPerfEventOutput.Call(), asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), exit), []uint64{7}, false},
		{"a store somewhere in the stack", seq(unknownR7, storeWide(asm.R10, -8, 7), at(asm.R1, -16), asm.Add.Reg(asm.R1, asm.R7), asm.StoreImm(asm.R1, 0, 1, asm.Byte),
			asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), exit), nil, true},
		{"a store through an address of another's", seq(storeWide(asm.R10, -8, 7), asm.FnGetCurrentTaskBtf.Call(), asm.StoreImm(asm.R0, 0, 1, asm.Byte),
			asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), exit), []uint64{7}, false},
		{"what an atomic operation fetches there", seq(asm.FnGetCurrentTaskBtf.Call(), asm.Mov.Imm(asm.R2, 7),
			asm.FetchAdd.Mem(asm.R0, asm.R2, asm.DWord, 0), asm.Mov.Reg(asm.R0, asm.R2), exit), nil, true},
		{"what one adds there", seq(asm.FnGetCurrentTaskBtf.Call(), asm.Mov.Imm(asm.R2, 7),
			asm.AddAtomic.Mem(asm.R0, asm.R2, asm.DWord, 0), asm.Mov.Reg(asm.R0, asm.R2), exit), []uint64{7}, false},
		{"the stack that was never written", seq(asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), exit), nil, true},
		{"an address as a number", seq(asm.Mov.Reg32(asm.R0, asm.R10), exit), nil, true},
		{"a packet that a kernel function is given", seq(asm.LoadMem(asm.R6, asm.R1, skbData, asm.Word), asm.Mov.Reg(asm.R1, asm.R6), kfunc,
			asm.LoadMem(asm.R0, asm.R6, 0, asm.Byte), exit), nil, true},
		{"a written packet", seq(asm.LoadMem(asm.R6, asm.R1, skbData, asm.Word), asm.LoadMem(asm.R0, asm.R6, 0, asm.Byte),
			asm.StoreImm(asm.R6, 1, 1, asm.Byte), exit), nil, true},
		{"the bounds of one that a helper changes", seq(keep, asm.Mov.Imm(asm.R2, 14), asm.FnSkbPullData.Call(),
			asm.LoadMem(asm.R2, asm.R6, skbData, asm.Word), asm.LoadMem(asm.R3, asm.R6, skbDataEnd, asm.Word), asm.Mov.Imm(asm.R0, 0),
			asm.JGT.Reg(asm.R2, asm.R3, "out"), asm.Mov.Imm(asm.R0, 1), exit.WithSymbol("out")), []uint64{0, 1}, false},
		{"the context after it", seq(keep, asm.Mov.Imm(asm.R2, 14), asm.FnSkbPullData.Call(), asm.LoadMem(asm.R0, asm.R6, 0, asm.Word), exit), nil, true},
		{"a symbol of the kernel", seq(asm.LoadImm(asm.R0, 0, asm.DWord).WithReference("jiffies"), exit), nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, any, err := known(t, tt.code)
			if diff := cmp.Diff(tt.want, got); diff != "" || any != tt.any || err != nil {
				t.Errorf("another %v, want %v; %v; want - got:\n%s", any, tt.any, err, diff)
			}
		})
	}
}

// TestCallbacks: bpf_loop calls its function any number of times, with a counter that is not known; what
// it is given is the caller's. A function that counts leads to ever new states.
func TestCallbacks(t *testing.T) {
	loop := func(body ...any) []any {
		fn := asm.Instruction{OpCode: 0x18, Dst: asm.R2, Src: asm.PseudoFunc, Constant: -1}.WithReference("body")
		code := seq(storeWide(asm.R10, -8, 3), asm.Mov.Imm(asm.R1, 5), fn, at(asm.R3, -8), asm.Mov.Imm(asm.R4, 0), asm.FnLoop.Call(),
			asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), exit)
		b := seq(body...)
		b[0] = b[0].WithSymbol("body")
		return []any{code, b}
	}
	got, any, err := known(t, loop(storeWide(asm.R2, 0, 4), ret(0))...)
	if diff := cmp.Diff([]uint64{3, 4}, got); diff != "" || any || err != nil {
		t.Errorf("another %v, %v; want - got:\n%s", any, err, diff)
	}
	got, any, err = known(t, loop(asm.StoreMem(asm.R2, 0, asm.R1, asm.DWord), ret(0))...)
	if diff := cmp.Diff([]uint64{3}, got); diff != "" || !any || err != nil {
		t.Errorf("another %v, %v; want - got:\n%s", any, err, diff)
	}
	if _, _, err = known(t, loop(asm.LoadMem(asm.R3, asm.R2, 0, asm.DWord), asm.Add.Imm(asm.R3, 1), asm.StoreMem(asm.R2, 0, asm.R3, asm.DWord), ret(0))...); !errors.Is(err, ErrBounded) {
		t.Errorf("error %v, want ErrBounded", err)
	}
}

// TestNothingReturned: what a function leaves in R0 does not matter where its caller does not read it.
func TestNothingReturned(t *testing.T) {
	p := parse(t, "x", asm.Instruction{OpCode: 0x85, Src: asm.PseudoCall, Constant: -1}.WithReference("void"), ret(5), seq(asm.Mov.Imm(asm.R1, 1).WithSymbol("void"), exit))
	w := skbWorld()
	w.Layout = &jit.V612
	if o, err := Run(p, w); err != nil || o.R0 != 5 {
		t.Errorf("%+v, %v", o, err)
	}
}
