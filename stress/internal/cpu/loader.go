package cpu

import (
	"time"

	"tailpoke/patcher"
	"tailpoke/patcher/rcu"
	"tailpoke/stress/internal/live"
)

// Load loads a copy of the entry for a script.
func (r *run) Load() error {
	p, err := r.loadEntry()
	if err != nil {
		return err
	}
	r.copies = append(r.copies, p)
	r.setCopies()
	return nil
}

// Unload takes the last one out.
func (r *run) Unload() error {
	n := len(r.copies) - 1
	p := r.copies[n]
	r.copies = r.copies[:n]
	r.setCopies()
	return r.unload(p)
}

// setCopies makes the threads run the entry and its copies in turn.
func (r *run) setCopies() {
	addrs := []uint64{r.Patcher.Addr(r.entry)}
	for _, p := range r.copies {
		addrs = append(addrs, r.Patcher.Addr(p))
	}
	r.Pool.SetEntries(addrs)
}

// loadEntry loads a copy of the entry.
func (r *run) loadEntry() (*patcher.Program, error) {
	where := patcher.PlaceStraddling
	if r.Subject.Method.Aligned() {
		where = patcher.PlaceAligned
	}
	r.trace.Copies(0, 1)
	p, err := r.Patcher.Load(r.Entry.Name, r.image, where)
	if err == nil {
		r.trace.Copies(1, 0)
		r.remember(p)
	}
	return p, err
}

// unload takes a copy of the entry out.
func (r *run) unload(p *patcher.Program) error {
	r.trace.Copies(-1, 0)
	err := r.Patcher.Unload(p)
	if err == nil {
		r.trace.Copies(0, -1)
	}
	return err
}

const (
	loadedFor   = 5 * time.Millisecond
	unloadedFor = 15 * time.Millisecond
)

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
		over := live.Pause(done, loadedFor)
		r.Pool.SetEntries([]uint64{entry})
		if err := r.unload(p); err != nil {
			return err
		}
		r.driver.Loaded()
		if over || live.Pause(done, unloadedFor) {
			return nil
		}
	}
}
