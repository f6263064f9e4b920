//go:build linux && amd64

package exec

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkLoop is one execution of an image of one instruction, with canaries, the
// read-side section, and the outcome and phase checks.
func BenchmarkLoop(b *testing.B) {
	a := newArena(b, loadCtx)
	p, err := NewPool(PoolConfig{Threads: 1, Ctx: make([]byte, 8), Outcomes: []uint64{0}})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	p.SetEntries([]uint64{a.Addr(0)})
	if err := p.Start(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for p.Counters().Executions < uint64(b.N) {
		time.Sleep(100 * time.Microsecond)
	}
	b.StopTimer()
	p.Stop()
	if p.Bad() != 0 {
		b.Fatalf("anomalies: %+v", p.Anomalies()[0])
	}
}

// BenchmarkSyncCore is one serialisation of all CPUs while threads execute.
func BenchmarkSyncCore(b *testing.B) {
	for _, threads := range []int{0, 1, 16} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			if threads > 0 {
				a := newArena(b, loadCtx)
				p, err := NewPool(PoolConfig{Threads: threads, Ctx: make([]byte, 8), Outcomes: []uint64{0}})
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				p.SetEntries([]uint64{a.Addr(0)})
				if err := p.Start(); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				SyncCore()
			}
		})
	}
}
