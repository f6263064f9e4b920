package step

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/cilium/ebpf/asm"
	"go.uber.org/goleak"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/sim"
	"tailpoke/stress/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const table = "jmp_table"

func parse(t testing.TB, name string, insns ...asm.Instruction) *jit.Program {
	t.Helper()
	insns[0] = insns[0].WithSymbol(name)
	p, err := jit.Parse(name, insns)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// caller has a direct site of each of some keys, and returns 100 if it falls through them all.
func caller(t testing.TB, name string, keys int32) *jit.Program {
	insns := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R7, 58),
		asm.Mov.Imm(asm.R2, 42),
		asm.StoreMem(asm.RFP, -8, asm.R2, asm.DWord),
	}
	for key := range keys {
		insns = append(insns,
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.LoadMapPtr(asm.R2, 0).WithReference(table),
			asm.Mov.Imm(asm.R3, key),
			asm.FnTailCall.Call())
	}
	return parse(t, name, append(insns,
		asm.LoadMem(asm.R0, asm.RFP, -8, asm.DWord),
		asm.Add.Reg(asm.R0, asm.R7),
		asm.Return())...)
}

// indirect tail calls the key that its context tells.
func indirect(t testing.TB) *jit.Program {
	return parse(t, "entry",
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R9, 7),
		asm.LoadMapPtr(asm.R2, 0).WithReference(table),
		asm.LoadMem(asm.R3, asm.R6, 0, asm.Byte),
		asm.FnTailCall.Call(),
		asm.Mov.Reg(asm.R0, asm.R9),
		asm.Return())
}

func leaf(t testing.TB, name string, n int32) *jit.Program {
	return parse(t, name, asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R0, n), asm.Return())
}

// config is a subject with one site and two programs. It skips where there is no CPU for it.
func config(t testing.TB) sim.Config {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip("no real CPU to carry witnesses out on: ", err)
	}
	s := protocol.DefaultSubject()
	s.Shape.Threads = 2
	return sim.Config{
		Subject: s, Layout: &jit.V510, Entry: caller(t, "entry", 1), Maps: map[string]int{table: 1},
		Keys: []protocol.Key{{Map: table, Index: 0}}, Ctx: binary.LittleEndian.AppendUint64(nil, 0),
		Programs: []*jit.Program{leaf(t, "p0", 1), leaf(t, "p1", 2)}, Outcomes: []uint64{100, 1, 2},
	}
}

func withProtocol(t testing.TB, c sim.Config, text string) sim.Config {
	t.Helper()
	p, err := protocol.ParseProtocol(text)
	if err != nil {
		t.Fatal(err)
	}
	c.Subject.Protocol = p
	return c
}

func withMethod(t testing.TB, c sim.Config, text string) sim.Config {
	t.Helper()
	m, err := protocol.ParseMethod(text)
	if err != nil {
		t.Fatal(err)
	}
	c.Subject.Method = m
	return c
}

func withScript(t testing.TB, c sim.Config, text string) sim.Config {
	t.Helper()
	s, err := protocol.ParseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	c.Script = s
	return c
}

// witnessOf has the machine engine find one.
func witnessOf(t testing.TB, c sim.Config) *witness.Witness {
	t.Helper()
	r, err := sim.Check(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Witness == nil {
		t.Fatalf("no witness: %s %s", r.Verdict, r.Reason)
	}
	return r.Witness
}

// carriedOut carries a witness out and logs what became of it.
func carriedOut(t testing.TB, c sim.Config, w *witness.Witness) *report.Stepped {
	t.Helper()
	return run(t, newReplay(c, w))
}

func run(t testing.TB, r *replay) *report.Stepped {
	t.Helper()
	res, err := r.run()
	if err != nil {
		t.Fatalf("%v\n%v", err, r.w)
	}
	t.Log(r.w.Property, fmt.Sprintf("%+v", *res))
	return res
}
