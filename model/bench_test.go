package model

import (
	"fmt"
	"testing"

	"tailpoke/patcher/protocol"
)

func BenchmarkCheck(b *testing.B) {
	for _, threads := range []int{2, 3, 4} {
		for _, plain := range []bool{false, true} {
			for _, workers := range []int{1, 2} {
				o := Options{Threads: threads, NoSymmetry: plain, Workers: workers}
				name := fmt.Sprintf("threads=%d/symmetry=%t/workers=%d", threads, !plain, workers)
				b.Run(name, func(b *testing.B) { benchmark(b, protocol.DefaultSubject(), o) })
			}
		}
	}
}

func benchmark(b *testing.B, s protocol.Subject, o Options) {
	b.ReportAllocs()
	states, transitions := 0.0, 0.0
	for b.Loop() {
		r, err := Check(s, o)
		if err != nil {
			b.Fatal(err)
		}
		states += float64(r.States)
		transitions += float64(r.Transitions)
	}
	b.ReportMetric(states/float64(b.N), "states")
	b.ReportMetric(states/b.Elapsed().Seconds(), "states/s")
	b.ReportMetric(transitions/b.Elapsed().Seconds(), "transitions/s")
}
