package sim_test

import (
	"context"
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/sim"
)

// A protocol that opens the bypass before the target jumps.
func ExampleCheck() {
	entry, err := jit.Parse("entry", asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("entry"),
		asm.LoadMapPtr(asm.R2, 0).WithReference("jmp_table"),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	})
	if err != nil {
		panic(err)
	}
	program, err := jit.Parse("p0", asm.Instructions{asm.Mov.Imm(asm.R0, 1).WithSymbol("p0"), asm.Return()})
	if err != nil {
		panic(err)
	}
	subject := protocol.DefaultSubject()
	subject.Shape.Threads = 2
	subject.Protocol, err = protocol.ParseProtocol(`
		protocol hasty
		  install  publish; each { bypass=nop; target=jump }
		  update   publish; each { target=jump }; retire
		  remove   publish; each { bypass=jump; wait; target=nop }; retire`)
	if err != nil {
		panic(err)
	}
	result, err := sim.Check(context.Background(), sim.Config{
		Subject: subject, Layout: &jit.V510, Entry: entry, Programs: []*jit.Program{program},
		Maps: map[string]int{"jmp_table": 1}, Keys: []protocol.Key{{Map: "jmp_table", Index: 0}},
		Ctx: make([]byte, 8), Outcomes: []uint64{0, 1},
	})
	if err != nil {
		panic(err)
	}
	w := result.Witness
	last := &w.Steps[len(w.Steps)-1]
	fmt.Printf("%s %s within %s, in %d steps\n", result.Verdict, result.Property, result.Bound, len(w.Steps))
	fmt.Printf("%v executes % x, %s+%#x: %v in the %v\n", last.Actor, last.Code.Bytes,
		w.Programs[last.Code.At.Program], last.Code.At.Off, last.Action.Text, last.Action.Slot)
	// Output:
	// violated never-a within 2 threads, any 3 operations, in 6 steps
	// thread 0 executes 0f 1f 44 00 00, entry+0x37: nop in the target
}
