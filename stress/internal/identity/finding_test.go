package identity

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// TestFetchFromStack keeps a fault of the kernel that random programs found. Two paths meet
// before an atomic operation that fetches from the stack: one brings 1, the other an
// unknown number. A comparison of what was fetched with 1 is decided on the first path;
// the verifier must then remember that it was decided by the stack, and looks for the reason
// in the register instead. It takes the second path for the first, and deletes the code that
// only the second reaches. Our compiler and the kernel's agree on what is left.
//
// The test says what the running kernel does, and accepts either.
func TestFetchFromStack(t *testing.T) {
	compiler(t)
	const (
		checkpointOften = 1 << 3 // BPF_F_TEST_STATE_FREQ: the verifier compares states at every meeting
		right, wrong    = 7, 1
	)
	for _, op := range []asm.AtomicOp{asm.FetchAdd, asm.FetchAnd, asm.FetchOr, asm.FetchXor, asm.Xchg, asm.CmpXchg} {
		fetched := asm.R4
		if op == asm.CmpXchg {
			fetched = asm.R0
		}
		s := sampleOf("fetch", ebpf.SchedCLS, asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 8, asm.Word), asm.StoreMem(asm.R10, -8, asm.R2, asm.DWord),
			asm.LoadMem(asm.R3, asm.R1, 32, asm.Word), asm.Mov.Imm(asm.R4, 0), asm.Mov.Imm(asm.R0, 0),
			asm.JEq.Imm(asm.R3, 0, "meet"),
			asm.Instruction{OpCode: asm.StoreImmOp(asm.DWord), Dst: asm.R10, Offset: -8, Constant: 1},
			atomic(op.Mem(asm.R10, asm.R4, asm.DWord, -8)).WithSymbol("meet"),
			asm.JEq.Imm(fetched, 1, "one"),
			asm.Mov.Imm(asm.R0, right), asm.Return(),
			asm.Mov.Imm(asm.R0, wrong).WithSymbol("one"), asm.Return(),
		})
		s.Spec.Programs["main"].Flags = checkpointOften
		coll, err := ebpf.NewCollection(s.Spec)
		if err != nil {
			t.Fatal(err)
		}
		ctx := make([]byte, ctxSize)
		binary.LittleEndian.PutUint32(ctx[8:], 5)
		got, err := coll.Programs["main"].Run(&ebpf.RunOptions{Data: make([]byte, 64), Context: ctx})
		coll.Close()
		switch {
		case err != nil:
			t.Fatal(err)
		case got == wrong:
			t.Logf("%v: this kernel has the fault", op)
		case got != right:
			t.Errorf("%v: result %d", op, got)
		}
	}
}

// TestUpperHalfOfCmpXchg keeps another fault of the kernel that random programs found. A compare
// and exchange of 32 bits gives R0 what was in memory, extended with zeros (RFC 9669, 5.3).
// The machine's leaves all of rax alone when it matches, so the verifier puts "w0 = w0" after
// it, unless it saw that no instruction reads more than the lower half. It forgets to look where
// a path ends early. Here it follows the path around the operation first. The one through it meets
// a state that was proved already, and what reads R0 from there on is not looked at: R0 keeps its
// upper half. Our compiler, given a program as written, always clears it.
//
// The test says what the running kernel does, and accepts either.
func TestUpperHalfOfCmpXchg(t *testing.T) {
	compiler(t)
	const (
		checkpointOften = 1 << 3 // BPF_F_TEST_STATE_FREQ
		upper           = 5
	)
	s := sampleOf("exchange", ebpf.SchedCLS, asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, 8, asm.Word), asm.LSh.Imm(asm.R0, 32),
		asm.LoadMem(asm.R3, asm.R1, 32, asm.Word), asm.StoreMem(asm.R10, -8, asm.R3, asm.DWord),
		asm.JEq.Imm(asm.R3, 0, "exchange"),
		asm.Ja.Label("meet"),
		atomic(asm.CmpXchg.Mem(asm.R10, asm.R3, asm.Word, -8)).WithSymbol("exchange"), // 0 with 0
		asm.RSh.Imm(asm.R0, 32).WithSymbol("meet"), asm.Return(),
	})
	s.Spec.Programs["main"].Flags = checkpointOften
	coll, err := ebpf.NewCollection(s.Spec)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	ctx := make([]byte, ctxSize)
	binary.LittleEndian.PutUint32(ctx[8:], upper)
	got, err := coll.Programs["main"].Run(&ebpf.RunOptions{Data: make([]byte, 64), Context: ctx})
	switch {
	case err != nil:
		t.Fatal(err)
	case got == upper:
		t.Log("this kernel has the fault")
	case got != 0:
		t.Errorf("result %d", got)
	}
}
