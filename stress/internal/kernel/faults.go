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
	site    int                                       // to the watcher, sites lie that much further on
	checker func(asm.Instructions) asm.Instructions   // edits the checker
	intrude func(set func(key, prog int) error) error // changes a map without the mutator's knowledge
}

// intrude changes a key without the mutator's knowledge, as a test wants it.
func (r *run) intrude(done <-chan struct{}) error {
	for !live.Pause(done, 10*time.Millisecond) {
		err := r.faults.intrude(func(k, prog int) error {
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
