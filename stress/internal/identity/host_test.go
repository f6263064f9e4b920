package identity

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"
)

// twinPacket is 64 bytes with their numbers in them, the upper bits set in every third.
func twinPacket() []byte {
	p := make([]byte, 64)
	for i := range p {
		p[i] = byte(i)
		if i%3 == 0 {
			p[i] |= 0x80
		}
	}
	return p
}

// hostPrograms are programs with results that only the kernel knows.
func hostPrograms() map[string]asm.Instructions {
	n := newBuilder
	programs := map[string]asm.Instructions{
		"hash: initial":                 n().lookup("hash", 2).deref().out().done(),
		"hash: nothing":                 n().lookup("hash", 5).deref().out().done(),
		"hash: held across an update":   n().lookup("hash", 2).add(asm.Mov.Reg(asm.R8, asm.R0)).update("hash", 2, 77, 0).add(asm.Mov.Reg(asm.R0, asm.R8)).deref().out().done(),
		"hash: full":                    n().update("hash", 0, 1, 0).out().update("hash", 1, 2, 1).out().update("hash", 3, 3, 0).out().update("hash", 3, 3, 2).out().update("hash", 2, 4, 0).out().done(),
		"hash: room again":              n().update("hash", 0, 1, 0).update("hash", 1, 1, 0).remove("hash", 2).out().update("hash", 4, 9, 1).out().update("hash", 5, 9, 1).out().done(),
		"hash: delete":                  n().remove("hash", 2).out().remove("hash", 2).out().lookup("hash", 2).deref().out().done(),
		"array: lookups":                n().lookup("array", 1).deref().out().lookup("array", 3).deref().out().lookup("array", 4).deref().out().lookup("array", 1<<31).deref().out().done(),
		"odd: lookups":                  n().lookup("odd", 1).deref().out().lookup("odd", 2).deref().out().lookup("odd", 3).deref().out().done(),
		"odd: update":                   n().update("odd", 1, 5, 0).out().update("odd", 2, 6, 2).out().update("odd", 2, 7, 1).out().update("odd", 3, 8, 0).out().done(),
		"array: delete":                 n().remove("array", 1).out().remove("array", 99).out().done(),
		"percpu: update, look up":       n().update("percpu", 1, 6, 0).out().lookup("percpu", 1).deref().out().update("percpu", 1, 0, 1).out().remove("percpu", 1).out().done(),
		"percpu: nothing":               n().lookup("percpu", 4).deref().out().update("percpu", 4, 0, 0).out().done(),
		"array: write where it lies":    storeIn("array"),
		"hash: write where it lies":     storeIn("hash"),
		"hash: the value is the key":    keyFrom("hash", "hash"),
		"hash: a key in an array":       keyFrom("array", "hash"),
		"hash: a value in a hash":       valueFrom("hash", "hash"),
		"array: a value in a hash":      valueFrom("hash", "array"),
		"skb_load_bytes":                loadBytes(),
		"packet, by its addresses":      loadDirectly(),
		"packet, from one beyond it":    n().add(asm.LoadAbs(64, asm.Byte)).out().add(asm.Mov.Imm(asm.R0, 5)).done(),
		"packet, negative":              n().add(asm.LoadAbs(-1, asm.Byte)).out().add(asm.Mov.Imm(asm.R0, 5)).done(),
		"packet, in a register, beyond": n().add(asm.Mov.Imm(asm.R7, 62), asm.LoadInd(asm.R0, asm.R7, 1, asm.Half)).out().add(asm.Mov.Imm(asm.R0, 5)).done(),
	}
	for _, name := range []string{"array", "percpu", "hash"} {
		for _, flags := range []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 1 << 32, -1, -1 << 63} {
			programs[fmt.Sprint(name, ": flags ", flags)] = n().update(name, 2, 30, flags).out().
				update(name, 5, 31, flags).out().lookup(name, 2).deref().out().done()
		}
	}
	b := n()
	for _, off := range []int32{0, 1, 12, 13, 60, 61, 62, 63} {
		for _, size := range []asm.Size{asm.Byte, asm.Half, asm.Word} {
			if int(off)+size.Sizeof() <= 64 {
				b.add(asm.LoadAbs(off, size)).out()
				b.add(asm.Mov.Imm(asm.R2, off-1), asm.LoadInd(asm.R0, asm.R2, 1, size)).out()
			}
		}
	}
	programs["packet, up to its end"] = b.done()
	for _, fn := range []asm.BuiltinFunc{asm.FnProbeReadKernel, asm.FnProbeReadUser} {
		programs[fn.String()+" of nowhere"] = probeNowhere(fn)
	}
	return programs
}

// storeIn adds to a value in the map's memory.
func storeIn(name string) asm.Instructions {
	return newBuilder().lookup(name, 2).add(asm.JEq.Imm(asm.R0, 0, "none"), asm.Mov.Imm(asm.R1, 5),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord), asm.StoreImm(asm.R0, 6, 9, asm.Half), asm.Mov.Imm(asm.R0, 0).WithSymbol("none")).done()
}

// keyFrom updates a map under a key that is a value of another, or its own.
func keyFrom(from, to string) asm.Instructions {
	return newBuilder().lookup(from, 2).add(asm.JEq.Imm(asm.R0, 0, "none"), asm.Mov.Reg(asm.R2, asm.R0)).
		store(valueAt, 12).stack(asm.R3, valueAt).mapIn(asm.R1, to).
		add(asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call().WithSymbol("go"), asm.Return(),
			asm.Mov.Imm(asm.R0, 1).WithSymbol("none")).done()
}

// valueFrom gives a key a value that is one of another map, or of its own.
func valueFrom(from, to string) asm.Instructions {
	return newBuilder().lookup(from, 2).add(asm.JEq.Imm(asm.R0, 0, "none"), asm.Mov.Reg(asm.R3, asm.R0)).
		store(keyAt, 1).stack(asm.R2, keyAt).mapIn(asm.R1, to).
		add(asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call(), asm.Return(),
			asm.Mov.Imm(asm.R0, 1).WithSymbol("none")).done()
}

// loadBytes loads around the packet's edges with bpf_skb_load_bytes.
func loadBytes() asm.Instructions {
	b := newBuilder()
	for _, off := range []int64{0, 13, 56, 57, 63, 64, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<32 + 3} {
		for _, n := range []int32{1, 8} {
			b.store(-24, 1<<63|0x1234).add(asm.Mov.Reg(asm.R1, asm.R6), asm.LoadImm(asm.R2, off, asm.DWord)).
				stack(asm.R3, -24).add(asm.Mov.Imm(asm.R4, n), asm.FnSkbLoadBytes.Call())
			// Two bits of it: what was returned, and what is there now.
			b.add(asm.LoadMem(asm.R1, asm.R10, -24, asm.DWord), asm.LSh.Imm(asm.R0, 48), asm.Xor.Reg(asm.R0, asm.R1)).out()
		}
	}
	return b.done()
}

// probeNowhere reads from addresses where nothing lies, and from the stack.
func probeNowhere(fn asm.BuiltinFunc) asm.Instructions {
	b := newBuilder()
	for _, addr := range []uint64{0, 1, 4096, 1<<47 - 4096 - 8, ^uint64(7), ^uint64(0)} {
		b.store(valueAt, 55).stack(asm.R1, valueAt).
			add(asm.Mov.Imm(asm.R2, 8), asm.LoadImm(asm.R3, int64(addr), asm.DWord), fn.Call()).out().
			add(asm.LoadMem(asm.R0, asm.R10, valueAt, asm.DWord)).out()
	}
	b.stack(asm.R1, valueAt).add(asm.Mov.Imm(asm.R2, 0), asm.Mov.Imm(asm.R3, 1), fn.Call()).out()
	if fn == asm.FnProbeReadKernel { // the stack is the kernel's
		b.store(-24, 88).stack(asm.R1, valueAt).stack(asm.R3, -24).add(asm.Mov.Imm(asm.R2, 4), fn.Call()).out().
			add(asm.LoadMem(asm.R0, asm.R10, valueAt, asm.DWord)).out()
	}
	return b.done()
}

// loadDirectly reads the packet by way of data and data_end, and its length.
func loadDirectly() asm.Instructions {
	return newBuilder().add(asm.LoadMem(asm.R0, asm.R6, 0, asm.Word)).out().
		add(asm.LoadMem(asm.R8, asm.R6, 76, asm.Word), asm.LoadMem(asm.R9, asm.R6, 80, asm.Word),
			asm.Mov.Reg(asm.R1, asm.R8), asm.Add.Imm(asm.R1, 64), asm.JGT.Reg(asm.R1, asm.R9, "short"),
			asm.LoadMem(asm.R0, asm.R8, 56, asm.DWord)).out().
		add(asm.Mov.Reg(asm.R1, asm.R8), asm.Add.Imm(asm.R1, 65), asm.JGT.Reg(asm.R1, asm.R9, "short"),
			asm.LoadMem(asm.R0, asm.R8, 64, asm.Byte)).out().
		add(asm.Return(), asm.Mov.Imm(asm.R0, 99).WithSymbol("short")).done()
}

// TestHostAgreesWithKernel runs each program in the kernel and natively: it returns the same, and
// leaves the same in the maps.
func TestHostAgreesWithKernel(t *testing.T) {
	compiler(t)
	w := newTwin(t, twinPacket())
	for name, insns := range hostPrograms() {
		w.clear()
		for key := range uint64(hostMaps["out"].MaxEntries) {
			w.put("out", key, 0)
		}
		for key := range uint64(4) {
			w.put("array", key, 10+key)
			w.put("percpu", key, 20+key)
		}
		w.put("odd", 1, 1<<40)
		w.put("hash", 2, 4) // which is a key as well
		w.run(name, insns)
	}
}

// randomMapProgram is some operations on the maps, each of which keeps what it returned.
func randomMapProgram(r *rand.Rand) asm.Instructions {
	b := newBuilder()
	for range 1 + r.IntN(30) {
		name := []string{"hash", "hash", "hash", "array", "odd"}[r.IntN(5)]
		key, flags := r.Uint64N(hashKeys), []int64{0, 0, 0, 1, 1, 2, 2, r.Int64N(9)}[r.IntN(8)]
		switch op := r.IntN(8); {
		case op < 4:
			b.update(name, key, r.Uint64(), flags)
		case op < 6:
			b.remove(name, key)
		default:
			b.lookup(name, key).deref()
		}
		b.out()
	}
	return b.done()
}

// TestRandomMapOperations draws operations on maps; the maps keep what they hold
// from one program to the next.
func TestRandomMapOperations(t *testing.T) {
	compiler(t)
	w := newTwin(t, twinPacket())
	drawn := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(drawn, 0))
	programs, insns := 0, 0
	for ; programs < many(400) && !t.Failed(); programs++ {
		p := randomMapProgram(r)
		insns += len(p)
		w.run(fmt.Sprintf("seed %#x, program %d", drawn, programs), p)
	}
	t.Logf("seed %#x: %d programs, %d instructions", drawn, programs, insns)
	if programs == 0 {
		t.Error("nothing was compared")
	}
}
