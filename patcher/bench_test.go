//go:build linux && amd64

package patcher

import (
	"fmt"
	"testing"
	"time"

	"tailpoke/patcher/rcu"
)

// benchRig is a rig with threads that execute, or none; the waiter is elevated where
// the machine grants it.
func benchRig(b *testing.B, protocol string, threads, sites int) *rig {
	b.Helper()
	restore, err := rcu.Elevate()
	if err == nil {
		b.Cleanup(restore)
	}
	r := newRig(b, setting{protocol: named(b, protocol), threads: threads, boost: err == nil, silent: true, arena: 16 << 20})
	caller := r.load(b, "caller", r.caller(b, make([]int, sites)...))
	if threads > 0 {
		r.start(b, caller)
	}
	return r
}

// BenchmarkUpdate is an update of a key that one site follows: one poke.
func BenchmarkUpdate(b *testing.B) {
	for _, threads := range []int{0, 1, 16} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			r := benchRig(b, "kernel", threads, 1)
			progs := []*Program{r.held(b, 0), r.held(b, 1)}
			for i := 0; b.Loop(); i++ {
				r.update(b, 0, progs[i%2])
			}
			r.stop(b)
		})
	}
}

// BenchmarkLoad is a caller with one site of a key that holds a program: placed, tracked,
// fixed up by two pokes; and unloaded, which waits for a grace period.
func BenchmarkLoad(b *testing.B) {
	for _, threads := range []int{0, 16} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			r := benchRig(b, "kernel", threads, 1)
			r.update(b, 0, r.held(b, 0))
			img := r.caller(b, 0)
			var unload time.Duration
			for b.Loop() {
				prog := r.load(b, "copy", img)
				start := time.Now()
				if err := r.p.Unload(prog); err != nil {
					b.Fatal(err)
				}
				unload += time.Since(start)
			}
			b.ReportMetric(float64(unload.Nanoseconds())/float64(b.N), "ns-unload/op")
			r.stop(b)
		})
	}
}

// BenchmarkDelete compares a grace period for each site with one for all. An operation
// is an install and a remove; the remove alone is reported beside it.
func BenchmarkDelete(b *testing.B) {
	for _, protocol := range []string{"kernel", "batched", "lazy"} {
		for _, sites := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/sites=%d", protocol, sites), func(b *testing.B) {
				r := benchRig(b, protocol, 16, sites)
				prog := r.held(b, 0)
				var remove time.Duration
				for b.Loop() {
					r.update(b, 0, prog)
					start := time.Now()
					r.delete(b, 0)
					remove += time.Since(start)
				}
				b.ReportMetric(float64(remove.Nanoseconds())/float64(b.N), "ns-remove/op")
				r.stop(b)
			})
		}
	}
}
