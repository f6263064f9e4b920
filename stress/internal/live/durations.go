package live

import (
	"sync/atomic"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Durations counts how long operations took, by their kind, and grace periods. One goroutine notes,
// and all may read.
type Durations [protocol.OpKinds + 1][report.HistogramBuckets]atomic.Uint64

// GracePeriod stands in the place of an operation's kind.
const GracePeriod = protocol.OpKinds

// Note counts an operation, or a grace period.
func (d *Durations) Note(kind int, took time.Duration) {
	d[kind][report.Bucket(float64(took.Nanoseconds())/1000)].Add(1)
}

// Sum is what was counted, by names as reports have them.
func (d *Durations) Sum() map[string]report.Histogram {
	out := map[string]report.Histogram{}
	for kind := range d {
		name := "grace period"
		if kind != GracePeriod {
			name = protocol.OpKind(kind).String()
		}
		var h report.Histogram
		if kind != GracePeriod {
			h = report.Histogram{0} // an operation that never happened is told, too
		}
		for i := range d[kind] {
			if n := d[kind][i].Load(); n > 0 {
				h.Add(append(make(report.Histogram, i), n))
			}
		}
		if h != nil {
			out[name] = h
		}
	}
	return out
}
