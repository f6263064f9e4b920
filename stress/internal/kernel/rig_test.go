package kernel

import (
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// needKernel skips a test, aloud, where there is no kernel to ask.
func needKernel(t testing.TB) {
	t.Helper()
	if err := Supported(); err != nil {
		t.Skipf("no kernel to run in: %v", err)
	}
}

// rig is a program with a direct site for each of two keys, which uses every callee-saved register,
// and two programs. It returns 7 where it falls through, else 100 or 101.
func rig(t testing.TB) Config {
	needKernel(t)
	entry := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("entry"), asm.Mov.Reg(asm.R7, asm.R1), asm.Mov.Reg(asm.R8, asm.R1), asm.Mov.Reg(asm.R9, asm.R1),
	}
	for k := range int32(2) {
		entry = append(entry,
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.LoadMapPtr(asm.R2, 0).WithReference("progs"),
			asm.Mov.Imm(asm.R3, k),
			asm.FnTailCall.Call())
	}
	entry = append(entry, asm.Mov.Imm(asm.R0, 7), asm.Return())
	prog := func(name string, v int32) *ebpf.ProgramSpec {
		return &ebpf.ProgramSpec{Name: name, Type: ebpf.SchedCLS, License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, v).WithSymbol(name), asm.Return()}}
	}
	return Config{
		Config: live.Config{
			Duration: 2 * time.Second, Seed: 1, Keys: []protocol.Key{{Map: "progs", Index: 0}, {Map: "progs", Index: 1}},
			Oracle: &rigOracle{
				outcomes: []live.Outcome{{Value: 7, Skip: true}, {Value: 100, Tail: true}, {Value: 101, Tail: true}},
				legal:    rigLegal,
			},
		},
		Threads: 8,
		Spec: &ebpf.CollectionSpec{
			Maps: map[string]*ebpf.MapSpec{"progs": {Name: "progs", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 2}},
			Programs: map[string]*ebpf.ProgramSpec{
				"entry": {Name: "entry", Type: ebpf.SchedCLS, License: "GPL", Instructions: entry},
				"p0":    prog("p0", 100), "p1": prog("p1", 101),
			},
		},
		Entry: "entry", Programs: []string{"p0", "p1"}, Input: Input{Packet: make([]byte, 64)},
	}
}

// rigOracle knows what a rig may return.
type rigOracle struct {
	outcomes []live.Outcome
	legal    func(held [][]int) uint64
}

func (o *rigOracle) Outcomes() []live.Outcome           { return o.outcomes }
func (o *rigOracle) Legal(held [][]int) (uint64, error) { return o.legal(held), nil }
func (o *rigOracle) Written() (lo, hi int)              { return 0, 0 }

// oracle is the rig's, for a test to change.
func (c *Config) oracle() *rigOracle { return c.Oracle.(*rigOracle) }

// rigLegal has a bit for each outcome: that of the first key that holds a program.
func rigLegal(held [][]int) uint64 {
	legal := uint64(0)
	for _, p := range held[0] {
		if p != live.None {
			legal |= 1 << (1 + p)
			continue
		}
		for _, q := range held[1] {
			legal |= 1 << (1 + q)
		}
	}
	return legal
}
