package stress

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
)

// BenchmarkCollector is runtime.GC while 64 threads execute and a mutator patches. The
// threads must not hold it up: with threads that the Go scheduler sees, one collection
// takes a minute and a half (RATIONALE.md, "Why does the executor hide from the Go
// scheduler?").
func BenchmarkCollector(b *testing.B) {
	s, target, err := Choice{Threads: 64, Sites: 1}.Resolve()
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := Run(ctx, s, target, Options{Engines: []protocol.Engine{protocol.CPU}, Duration: time.Hour})
		done <- err
	}()
	time.Sleep(500 * time.Millisecond) // the threads have started
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		runtime.GC()
		took = append(took, time.Since(start))
	}
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
}

// BenchmarkEngine is one execution of the main job's program on 16 threads while it is
// patched.
func BenchmarkEngine(b *testing.B) {
	s, target, err := Choice{}.Resolve()
	if err != nil {
		b.Fatal(err)
	}
	var executions, cycles uint64
	var seconds float64
	for b.Loop() {
		r, err := Run(context.Background(), s, target, Options{
			Engines: []protocol.Engine{protocol.CPU}, Duration: time.Second,
		})
		if err != nil {
			b.Fatal(err)
		}
		v := r.Of(protocol.CPU)
		executions, cycles, seconds = executions+v.Executions, cycles+v.Cycles, seconds+v.Seconds
	}
	b.ReportMetric(float64(executions)/seconds, "executions/s")
	b.ReportMetric(float64(cycles)/seconds, "cycles/s")
}
