//go:build linux && amd64

package rcu

import (
	"fmt"
	"testing"
)

// BenchmarkSynchronize is one grace period while threads execute an image of a few
// instructions.
func BenchmarkSynchronize(b *testing.B) {
	for _, w := range waiting {
		for _, threads := range []int{0, 2, 16, 64} {
			b.Run(fmt.Sprintf("%s/threads=%d", w.name, threads), func(b *testing.B) {
				if w.boost {
					defer elevated(b)()
				}
				g := newGate(b, max(1, threads))
				if threads > 0 {
					g.start(b)
				}
				d := New(g.pool, flavour(b, "epoch"), w.boost)
				for b.Loop() {
					if err := d.Synchronize(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(d.Boosts())/float64(b.N), "boosts/op")
			})
		}
	}
}
