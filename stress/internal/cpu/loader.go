package cpu

import (
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher/rcu"
)

// setCopies makes the threads run the entry and its copies in turn.
func (r *run) setCopies() {
	addrs := make([]uint64, 0, exec.MaxEntries)
	addrs = append(addrs, r.Patcher.Addr(r.entry))
	for _, p := range r.copies[:min(len(r.copies), exec.MaxEntries-1)] {
		addrs = append(addrs, r.Patcher.Addr(p))
	}
	r.Pool.SetEntries(addrs)
}

func (r *run) unloadCopy() error {
	n := len(r.copies) - 1
	if n < 0 {
		return nil
	}
	p := r.copies[n]
	r.copies = r.copies[:n]
	r.setCopies()
	return r.unload(p)
}

// loader brings copies of the entry in and takes them out while the mutator works.
func (r *run) loader(done <-chan struct{}) error {
	if r.boosted {
		restore, err := rcu.Elevate()
		if err != nil {
			return err
		}
		defer restore()
	}
	entry := r.Patcher.Addr(r.entry)
	for {
		p, err := r.loadEntry()
		if err != nil {
			return err
		}
		r.Pool.SetEntries([]uint64{entry, r.Patcher.Addr(p)})
		over := pause(done, loadedFor)
		r.Pool.SetEntries([]uint64{entry})
		if err := r.unload(p); err != nil {
			return err
		}
		r.loads.Add(1)
		if over || pause(done, unloadedFor) {
			return nil
		}
	}
}

const (
	loadedFor   = 5 * time.Millisecond
	unloadedFor = 15 * time.Millisecond
)

// pause waits and reports whether done was closed meanwhile.
func pause(done <-chan struct{}, d time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}
