package kernel

import (
	"slices"
	"time"

	"github.com/cilium/ebpf/asm"

	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/live"
)

// faults are what tests do wrong on purpose, to see it found.
type faults struct {
	site    int                                       // the watcher is told that sites lie so many bytes further on
	checker func(asm.Instructions) asm.Instructions   // edits the checker
	behind  func(set func(key, prog int) error) error // changes a map behind the mutator's back, beside its operations
}

// intrude changes a key behind the mutator's back, as a test wants it.
func (r *run) intrude(done <-chan struct{}) error {
	for !live.Pause(done, 10*time.Millisecond) {
		err := r.faults.behind(func(k, prog int) error {
			return r.arrays[r.Keys[k].Map].Put(uint32(r.Keys[k].Index), r.pinned[prog].Program)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// faulty is a caller's image as the watcher is told it.
func (r *run) faulty(c caller) *identity.Image {
	if r.faults.site == 0 {
		return c.img
	}
	img := *c.img
	img.Sites = slices.Clone(img.Sites)
	for i := range img.Sites {
		for n := range img.Sites[i].Slots {
			img.Sites[i].Slots[n].Off += r.faults.site
		}
	}
	return &img
}
