package affected

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
)

func trampolineFault() Fault {
	return Fault{
		Name: "trampoline", Origin: "2b5dcb31a19a", Versions: "5.10 to 6.6",
		Says: "a function that is traced (fentry, fexit) and tail calls loses the count: an execution " +
			"does not end",
		ask: askTrampoline,
	}
}

// stopAt is where the loop ends by its own count, so that it ends on every kernel. Each round takes
// some of the kernel's stack.
const stopAt = 64

// askTrampoline counts the rounds of a program that tail calls itself by way of a function: as it
// stands, and with a program at the function's entry that counts as well.
func askTrampoline(b *bench) finding {
	rounds := b.counter()
	caller := b.loop(rounds)
	plain := b.tailsOf(caller, rounds)
	seen := b.trace(caller)
	traced := b.tailsOf(caller, rounds)
	var times uint64
	b.must(seen.Lookup(uint32(0), &times))
	return judgeTrampoline(plain, traced, times)
}

func judgeTrampoline(plain, traced int, seen uint64) finding {
	switch {
	case plain != limit:
		return unclear("without tracing the loop took %d tail calls, not %d", plain, limit)
	case seen == 0:
		return unclear("the tracing program never ran")
	case traced == limit:
		return free("the traced loop took %d tail calls, which is the limit", traced)
	case traced >= stopAt:
		return has("the traced loop took %d tail calls, and stopped itself there; the limit is %d",
			traced, limit)
	}
	return has("the traced loop took %d tail calls, and the limit is %d", traced, limit)
}

// loop is a program that tail calls itself in a function until it is refused, or its own count ends
// it.
func (b *bench) loop(rounds *ebpf.Map) *ebpf.Program {
	array := b.array(1)
	caller := b.load(packets("loop", calling("calls"), function("calls", returnsInt, btf.StaticFunc,
		asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)},
		count(rounds),
		asm.Instructions{asm.JGT.Imm(asm.R0, stopAt, "out"), asm.Mov.Reg(asm.R1, asm.R6)},
		tailCall(array, 0),
		asm.Instructions{asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return()},
	)))
	b.must(array.Put(uint32(0), caller))
	return caller
}

// count adds one to a counter, and leaves what it is then in R0.
func count(counter *ebpf.Map) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapValue(asm.R1, counter.FD(), 0),
		asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord),
		asm.Add.Imm(asm.R0, 1),
		asm.StoreMem(asm.R1, 0, asm.R0, asm.DWord),
	}
}

// trace attaches a program to the entry of the loop's function, and returns its counter.
func (b *bench) trace(caller *ebpf.Program) *ebpf.Map {
	seen := b.counter()
	tracer := b.load(&ebpf.ProgramSpec{
		Name: "traces", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry,
		AttachTo: "calls", AttachTarget: caller,
		Instructions: append(count(seen), returning(0)...),
	})
	l, err := link.AttachTracing(link.TracingOptions{Program: tracer})
	b.must(err)
	b.later(l.Close)
	return seen
}

// tailsOf executes the loop and returns how many tail calls it took: one less than rounds.
func (b *bench) tailsOf(caller *ebpf.Program, rounds *ebpf.Map) int {
	b.must(rounds.Put(uint32(0), uint64(0)))
	b.run(caller)
	var n uint64
	b.must(rounds.Lookup(uint32(0), &n))
	return int(n) - 1
}
