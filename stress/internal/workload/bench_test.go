package workload

import (
	"testing"

	"tailpoke/jit"
)

// BenchmarkOracle is the exploration of the main job's program with every content of
// its four keys.
func BenchmarkOracle(b *testing.B) {
	w := Default()
	for b.Loop() {
		if _, err := newOracle(b.Context(), w, &jit.V510, w.Context); err != nil {
			b.Fatal(err)
		}
	}
}
