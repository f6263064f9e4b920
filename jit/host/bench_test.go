package host

import (
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"
)

// benchmarked are programs of one call each.
func benchmarked(r *rig) map[string]asm.Instructions {
	text := r.host.Map("text").values
	zero := func(insns asm.Instructions) asm.Instructions {
		return concat(insns, asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()})
	}
	return map[string]asm.Instructions{
		"lookup, array": zero(lookup("array", 2)), "lookup, percpu": zero(lookup("percpu", 2)), "lookup, hash": zero(lookup("hash", 2)),
		"lookup, nothing": zero(lookup("hash", 3)),
		"update, array":   zero(update("array", 2, 1, 0)), "update, hash": zero(update("hash", 2, 1, 0)),
		"insert and delete": zero(concat(update("hash", 3, 1, 1), remove("hash", 3))),
		"ktime":             zero(call(asm.FnKtimeGetNs)), "prandom": zero(call(asm.FnGetPrandomU32)), "processor": zero(call(asm.FnGetSmpProcessorId)),
		"probe_read, own": zero(call(asm.FnProbeRead, text, 8, text+8)), "probe_read, else": zero(call(asm.FnProbeReadKernel, text+256, 8, 1<<63)),
		"probe_read, nowhere": zero(call(asm.FnProbeReadUser, text+256, 8, 1)),
		"trace_printk":        zero(call(asm.FnTracePrintk, text, 32, 1, text, 1<<63)),
		"skb_load_bytes":      zero(call(asm.FnSkbLoadBytes, 0, 0, text+256, 8)[1:]),
		"packet":              zero(asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.LoadAbs(12, asm.Half)}),
	}
}

// newBenchRig has what every helper needs.
func newBenchRig(t testing.TB) *rig {
	maps := threeMaps()
	maps["text"] = MapSpec{Kind: Array, KeySize: 4, ValueSize: 512, MaxEntries: 1,
		Contents: []Pair{{word(0)[:4], append([]byte("%d %s %pks"), make([]byte, 502)...)}}}
	return newRig(t, Config{
		Maps: maps, Packet: make([]byte, 64),
		Trace: func([]byte) {},
		Probe: func(addr uint64, dst []byte) bool {
			clear(dst)
			return addr >= 1<<63
		},
	})
}

// TestBenchmarkedCalls: what is measured is no refusal and no error.
func TestBenchmarkedCalls(t *testing.T) {
	r := newBenchRig(t)
	for name, insns := range benchmarked(r) {
		n := len(insns) - 2 // without the zero that is returned in the end
		got := int64(r.run(append(insns[:n:n], asm.Return())...))
		if failed := got < 0; failed != (name == "probe_read, nowhere") {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// TestHelpersDoNotAllocate compares a run of one call with one of many.
func TestHelpersDoNotAllocate(t *testing.T) {
	r := newBenchRig(t)
	for name, insns := range benchmarked(r) {
		r.run(insns...)
		allocs := func(calls int) float64 {
			return testing.AllocsPerRun(5, func() {
				if _, err := r.pool.Run(calls, time.Minute); err != nil {
					t.Fatal(err)
				}
			})
		}
		if few, many := allocs(1), allocs(1001); many-few > 100 {
			t.Errorf("%s: %v allocations in a run of 1 call, %v in one of 1001", name, few, many)
		}
	}
}

// BenchmarkHelpers is an execution of a program around each helper, the calling loop included.
func BenchmarkHelpers(b *testing.B) {
	r := newBenchRig(b)
	for _, name := range []string{"lookup, array", "lookup, hash", "update, hash", "update, array", "ktime", "probe_read, own", "trace_printk", "packet"} {
		b.Run(name, func(b *testing.B) {
			r.run(benchmarked(r)[name]...)
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := r.pool.Run(b.N, time.Hour); err != nil {
				b.Fatal(err)
			}
		})
	}
}
