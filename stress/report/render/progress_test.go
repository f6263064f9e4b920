package render

import (
	"testing"
	"time"

	"tailpoke/stress/report"
)

// TestGoldenBar: a bar says what part is done, and how long the rest takes if it goes on like that.
// Where nothing is known there is none.
func TestGoldenBar(t *testing.T) {
	if got, want := Part(5, 20, time.Second), "[#####...............] 3s left, "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := Left(report.Progress{Seconds: 3, Whole: 4}), "[###############.....] 1s left, "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Part(0, 20, time.Second) + Left(report.Progress{Seconds: 3}); got != "" {
		t.Errorf("of nothing %q is known", got)
	}
}
