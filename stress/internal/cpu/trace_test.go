package cpu

import (
	"testing"

	"tailpoke/patcher/protocol"
)

// TestSitesAreNoted: what bounds came to is noted again, also where they end up at a number that
// was noted before them.
func TestSitesAreNoted(t *testing.T) {
	r := &recorder{sites: []int{2}, noted: make([]siteNote, 1), holds: make([]int, 1), missing: make([]int, 1)}
	r.least.Store(1)
	r.most.Store(1)
	for i, step := range []struct {
		least, most int64 // change of the bounds
		want        bool  // something is noted
	}{
		{0, 0, true},   // 1: the first time
		{0, 0, false},  // 1
		{0, 1, true},   // 1 to 2: a load begins
		{0, 0, true},   // 1 to 2 still
		{1, 0, true},   // 2
		{0, 0, false},  // 2
		{-1, 0, true},  // 1 to 2: an unload begins
		{0, -1, true},  // 1: and ends
		{0, 0, false},  // 1
		{0, 1, true},   // 1 to 2
		{1, 0, true},   // 2
		{-1, -1, true}, // 1
	} {
		if step.least != 0 || step.most != 0 {
			r.copies(step.least, step.most)
		}
		r.buf = r.buf[:0]
		r.noteSites()
		if noted := len(r.buf) == 1; noted != step.want {
			t.Errorf("step %d: noted %v, want %v", i, noted, step.want)
			continue
		}
		if !step.want {
			continue
		}
		it := r.buf[0]
		if it.Kind != protocol.Has || it.Least != 2*int(r.least.Load()) || it.Most != 2*int(r.most.Load()) {
			t.Errorf("step %d: %+v", i, it)
		}
	}
}

// TestReplacedSitesAreNoted: so is a number that is what it was, where one copy has gone and another
// has come: the sites are others.
func TestReplacedSitesAreNoted(t *testing.T) {
	r := &recorder{sites: []int{1}, noted: make([]siteNote, 1), holds: make([]int, 1), missing: make([]int, 1)}
	r.copies(2, 2)
	r.noteSites()
	for range 2 {
		r.buf = r.buf[:0]
		r.copies(-1, -1)
		r.copies(1, 1)
		r.noteSites()
		if len(r.buf) != 1 || r.buf[0].Least != 2 || r.buf[0].Most != 2 {
			t.Errorf("noted %+v, want 2 sites", r.buf)
		}
	}
}
