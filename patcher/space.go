package patcher

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"tailpoke/jit/exec"
)

const (
	pageSize = 4096
	// quarantine is how many freed regions wait before the oldest is used again: a
	// thread that strays into one must find int3, not another program.
	quarantine = 64
	// spaceTries bounds the search for a random place before every place is tried.
	spaceTries = 32
)

type region struct {
	page, pages int
}

// space hands out pages of an arena at random places, so that the distance of a jump
// differs from one load to the next in all its bytes.
type space struct {
	used  []bool // by page
	rng   *rand.Rand
	freed []region // oldest first
}

// alloc takes pages for size bytes and returns the offset of the first.
func (s *space) alloc(size int) (exec.Off, error) {
	n := (size + pageSize - 1) / pageSize
	if last := len(s.used) - n; last >= 0 {
		start := 0
		for range spaceTries {
			if start = s.rng.IntN(last + 1); s.take(start, n) {
				return exec.Off(start * pageSize), nil
			}
		}
		for i := range last + 1 {
			if p := (start + i) % (last + 1); s.take(p, n) {
				return exec.Off(p * pageSize), nil
			}
		}
	}
	return 0, fmt.Errorf("no room for an image of %d bytes in an arena of %d", size, len(s.used)*pageSize)
}

func (s *space) take(page, n int) bool {
	if slices.Contains(s.used[page:page+n], true) {
		return false
	}
	for i := range n {
		s.used[page+i] = true
	}
	return true
}

// release gives pages back, into quarantine.
func (s *space) release(off exec.Off, size int) {
	s.freed = append(s.freed, region{int(off) / pageSize, (size + pageSize - 1) / pageSize})
	if len(s.freed) <= quarantine {
		return
	}
	r := s.freed[0]
	s.freed = s.freed[1:]
	clear(s.used[r.page : r.page+r.pages])
}
