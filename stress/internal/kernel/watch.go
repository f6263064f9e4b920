package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cilium/ebpf"

	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/live"
)

// watchImage is a loaded caller and where its sites are.
type watchImage struct {
	prog *ebpf.Program
	img  *identity.Image
	name string // for findings; "": its number
	keys []int  // by site: the index of its key among those that change, or -1: not watched
	// by site: its source line; nil: nobody knows
	sources []source.Line
}

const (
	watchSites = 8 // of a key: the model has room for no more

	// What observations leave of the tape to the mutator's notes: items of a buffer, and buffers.
	watchSpare   = 16
	watchReserve = 8
)

// A watcher reads the images of callers back while a mutator changes their keys, and makes a trace
// of what it sees and of what the mutator says. One lock serialises both: the mutator notes that it
// is about to call bpf(2), and that it has returned, with the lock held, and a read is made and
// noted with the lock held. So an item's place in the trace is its place in time.
//
// The mutator's notes are never dropped: if the taker of the trace is late, the mutator waits. What
// was seen is dropped then, and counted: sampled reads may skip states anyway.
//
// What it is told by its callers must be all that happens: one operation at a time, on keys whose
// sites neither come nor go, and with programs whose landing address is known before the operation.
// A nil watcher watches nothing.
type watcher struct {
	dump   *watchDump
	images []watched
	byKey  [][]int // by key: the images with sites of it

	wants atomic.Int32 // mutators that wait for the lock: the reader lets them go first
	wake  chan struct{}
	from  atomic.Int32 // the CPU that the mutator called from last

	mu       sync.Mutex
	landings map[uint64]int
	busy     int // the key that an operation is in progress on, or -1
	op       protocol.OpKind
	given    int      // the program that it gives, or protocol.AnyProg
	held     []int    // by key: the tail of its targets before the operation
	turn     int      // reads, and of these
	own      int      // of images with sites of that key,
	any      int      // of any image,
	same     int      // since anything changed
	hot      *watched // where the operation changed something last, or nil
	sites    [][]*watchSite

	tape   *live.Tape
	result Watch
}

// watched is an image and those of its sites that are watched.
type watched struct {
	prog  *ebpf.Program
	name  string
	bytes int // of the image, up to the end of the last of its sites
	sites []watchSite
}

// newWatcher watches at most 8 sites of a key, the first in tracking order: images in the order in
// which they were loaded, and then sites in order. take is given the trace's items in order, on a
// goroutine of its own, and does not keep the slice. The error says what is missing where the
// kernel does not show its images.
func newWatcher(images []watchImage, keys int, take func([]protocol.Item)) (*watcher, error) {
	w := &watcher{
		images: make([]watched, 0, len(images)), byKey: make([][]int, keys), sites: make([][]*watchSite, keys),
		landings: map[uint64]int{}, held: make([]int, keys), busy: -1, wake: make(chan struct{}, 1),
	}
	for k := range w.held {
		w.held[k] = protocol.NopTail
	}
	largest := 0
	for i := range images {
		largest = max(largest, images[i].img.Size)
	}
	var err error
	if w.dump, err = newWatchDump(largest); err != nil {
		return nil, err
	}
	for i := range images {
		if err := w.add(i, &images[i]); err != nil {
			return nil, errors.Join(err, w.dump.close())
		}
	}
	w.tape = live.NewTape(take)
	for k := range w.sites {
		it := protocol.Item{Kind: protocol.Has, Prog: protocol.AnyProg, Least: len(w.sites[k]), Most: len(w.sites[k])}
		it.Key, it.Desc = k, protocol.NoDesc
		w.tape.Note(it)
	}
	return w, nil
}

// add takes in image number at, if it has sites to watch.
func (w *watcher) add(at int, from *watchImage) error {
	m := watched{prog: from.prog, name: cmp.Or(from.name, fmt.Sprintf("image %d", at))}
	if len(from.keys) != len(from.img.Sites) {
		return fmt.Errorf("watch %s: %d keys of %d sites", m.name, len(from.keys), len(from.img.Sites))
	}
	if err := w.dump.try(from.prog, from.img.Size); err != nil {
		return fmt.Errorf("watch %s: %w", m.name, err)
	}
	rows := make([]int, len(w.sites)) // by key: its sites so far
	for i, key := range from.keys {
		if key >= len(w.sites) {
			return fmt.Errorf("watch %s: site %d has key %d of %d", m.name, i, key, len(w.sites))
		}
		if key < 0 {
			continue
		}
		desc := len(w.sites[key]) + rows[key]
		if desc == watchSites {
			w.result.Unwatched++
			continue
		}
		rows[key]++
		m.sites = append(m.sites, newWatchSite(i, key, desc, &from.img.Sites[i]))
		if i < len(from.sources) {
			m.sites[len(m.sites)-1].source = from.sources[i]
		}
	}
	for i := range m.sites {
		s := &m.sites[i]
		w.sites[s.key] = append(w.sites[s.key], s)
		for j := range s.slots {
			off := s.slots[j].Off
			if m.bytes = max(m.bytes, off+len(slotBytes{})); off < 0 || m.bytes > from.img.Size {
				return fmt.Errorf("watch %s: site %d is not within the image", m.name, s.index)
			}
		}
	}
	for key, n := range rows {
		if n > 0 {
			w.byKey[key] = append(w.byKey[key], len(w.images))
		}
	}
	if len(m.sites) > 0 {
		w.images = append(w.images, m)
	}
	w.result.Sites += len(m.sites)
	return nil
}

// lock is how anybody but the reader takes the lock: the reader holds it nearly always.
func (w *watcher) lock() {
	w.wants.Add(1)
	w.mu.Lock()
	w.wants.Add(-1)
}

// landing returns the number of the program with this landing address (identity.Compiler.Landing).
// A new address gets a new number.
func (w *watcher) landing(addr uint64) int {
	if w == nil {
		return protocol.AnyProg
	}
	w.lock()
	defer w.mu.Unlock()
	n, ok := w.landings[addr]
	if !ok {
		n = len(w.landings)
		w.landings[addr] = n
	}
	return n
}

// called notes that the mutator is about to call bpf(2). prog comes from landing, or is
// protocol.AnyProg.
func (w *watcher) called(key int, op protocol.OpKind, prog int) {
	if w == nil {
		return
	}
	w.lock()
	w.busy, w.op, w.given, w.same, w.hot = key, op, prog, 0, nil
	w.from.Store(int32(w.dump.onCPU()))
	it := happened(protocol.Called, key, op)
	if op.Gives() {
		it.Prog = prog
	}
	w.note(it)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// returned notes that bpf(2) has returned. What the sites hold then is noted anew, also where
// nothing has changed: that must be seen too.
func (w *watcher) returned(key int, op protocol.OpKind) {
	if w == nil {
		return
	}
	w.lock()
	defer w.mu.Unlock()
	w.held[key] = w.gives()
	w.busy, w.same = -1, 0
	w.note(happened(protocol.Returned, key, op))
	w.stale(key)
}

// happened is an item of the mutator's.
func happened(kind protocol.EventKind, key int, op protocol.OpKind) protocol.Item {
	return protocol.Item{Event: protocol.Event{Kind: kind, Op: op, Key: key, Desc: protocol.NoDesc}, Prog: protocol.AnyProg}
}

// note notes what the mutator does.
func (w *watcher) note(it protocol.Item) {
	w.tape.Note(it)
	w.result.events++
}

// room makes room for an observation, if the taker of the trace is not too late.
func (w *watcher) room() bool {
	w.tape.Room(watchReserve)
	return len(w.tape.Items) < live.TapeBuffer-watchSpare
}

// sofar is how much was read and found, and whether reading has ended on its own. There is no
// reader if there is nothing to watch.
func (w *watcher) sofar() (reads uint64, findings int, ended bool) {
	if w == nil || len(w.images) == 0 {
		return 0, 0, true
	}
	w.lock()
	defer w.mu.Unlock()
	return w.result.Reads, len(w.result.Findings), w.result.Error != ""
}

// close hands over what is left, and returns what was seen. run must have returned.
func (w *watcher) close() *Watch {
	if w == nil {
		return nil
	}
	w.tape.Close()
	if err := w.dump.close(); err != nil && w.result.Error == "" {
		w.result.Error = err.Error()
	}
	w.result.Seen = w.result.counts.pairs(everyPair)
	w.result.Slots = []string{protocol.Bypass.String(), protocol.Target.String()}
	return &w.result
}
