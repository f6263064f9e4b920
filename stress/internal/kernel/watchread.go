package kernel

import (
	"fmt"
	"runtime"
	"time"

	"tailpoke/patcher/protocol"
)

const (
	// watchKeen is how many reads in a row may show nothing new before the reader slows down. The
	// pokes of a site follow each other faster than that.
	watchKeen = 200
	// watchNap is a pause in an operation that waits for something, in nearly all cases a grace
	// period of about ten milliseconds.
	watchNap = 50 * time.Microsecond
	// watchIdle is a pause while no operation is in progress. The next one ends it.
	watchIdle = time.Millisecond
	// watchOthers is how often the reader looks at any image, and not at one with sites of the key
	// that is operated on: every so many reads.
	watchOthers = 8
)

// run reads until done is closed. It keeps its thread to itself, and naps while there is nothing
// to be seen.
func (w *watcher) run(done <-chan struct{}) {
	if w == nil || len(w.images) == 0 {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread, err := attend()
	if err != nil {
		w.fail(err)
		return
	}
	defer thread.leave()
	idle := time.NewTimer(watchIdle)
	defer idle.Stop()
	for {
		select {
		case <-done:
			return
		default:
		}
		thread.keepOff(int(w.from.Load()))
		pause, err := w.look()
		switch {
		case err != nil:
			w.fail(err)
			return
		case pause == watchIdle:
			idle.Reset(pause)
			select {
			case <-done:
				return
			case <-w.wake:
			case <-idle.C:
			}
		case pause > 0:
			nap(pause)
		}
	}
}

// fail notes why nothing more is read.
func (w *watcher) fail(err error) {
	w.lock()
	defer w.mu.Unlock()
	w.result.Error = err.Error()
}

// look reads the next image, and says how long a pause may be made then.
func (w *watcher) look() (time.Duration, error) {
	for spins := 0; w.wants.Load() > 0; spins++ {
		if spins > 1000 {
			runtime.Gosched()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	m, round := w.next()
	if err := w.read(m); err != nil {
		return 0, fmt.Errorf("watch %s: %w", m.name, err)
	}
	if w.same++; w.same < watchKeen || w.same%round != 0 {
		return 0, nil
	}
	if len(w.tape.Items) > 0 {
		w.tape.Hand(watchReserve) // it may be long until there are more
	}
	if w.busy >= 0 {
		return watchNap, nil
	}
	return watchIdle, nil
}

// next chooses the image to look at, and says how many of them are worth a look before a pause.
// Where an operation waits, it goes on where it was last at work.
func (w *watcher) next() (m *watched, round int) {
	w.turn++
	if w.busy >= 0 && w.turn%watchOthers != 0 {
		mine := w.byKey[w.busy]
		if w.hot != nil && w.same >= watchKeen && w.turn%2 == 0 {
			return w.hot, 2
		}
		if w.own++; len(mine) > 0 {
			return &w.images[mine[w.own%len(mine)]], min(2, len(mine))
		}
	}
	w.any++
	return &w.images[w.any%len(w.images)], len(w.images)
}

// read reads an image twice in a row, counts what its sites hold, and notes what is new. That what
// it notes was there:
//
// The kernel copies an image while somebody pokes it, in whatever order: what one copy shows of two
// slots, or of the bytes of one, need never have been there at one moment. But the lock is held, so
// that at most one operation is in progress during both copies. In the course of one operation a
// byte of a slot goes through values that all differ, with one exception, and never back. A byte
// that is the same in both copies has therefore held this value from one reading of it to the
// other, and so at the moment between the copies, which is one moment for all bytes. Where all five
// bytes of a slot are the same in both copies, the slot held them at that moment, and where that is
// so of both slots of a site, the pair was there. Where it is so of one slot, only that slot is
// noted; of a site with none, nothing. As all that one read notes was there at one moment, the
// order in which it stands in the trace does not matter.
//
// The exception is the first byte of a target in an update: jump, int3, jump. A copy may have the
// old jump's head and the new tail, and the next one the new jump's head: at the moment between
// them was int3. So where an update would have a jump noted, two copies more are made, and only
// what is the same in all four counts. The tail is written while the head is int3. Where all copies
// have the new tail, all but the first have the head that was written after it; where all have the
// old tail, all but the last have the head that was there before it. Either way head and tail were
// there together between the second copy and the third.
func (w *watcher) read(m *watched) error {
	if err := w.dump.twice(m); err != nil {
		return err
	}
	w.interpret(m)
	if w.busy >= 0 && w.op == protocol.Update && w.jumps(m) {
		if err := w.dump.again(m, 2); err != nil {
			return err
		}
		w.interpret(m)
	}
	w.result.Reads++
	for i := range m.sites {
		s := &m.sites[i]
		w.count(m, s)
		if !w.news(s) {
			continue
		}
		if !w.room() {
			w.result.Dropped++
			continue
		}
		w.saw(m, s)
	}
	w.spread(m)
	return nil
}

// interpret says what the slots of an image hold, if their bytes are the same in all copies.
func (w *watcher) interpret(m *watched) {
	for i := range m.sites {
		for j := range m.sites[i].slots {
			slot := &m.sites[i].slots[j]
			b, steady := w.dump.at(slot.Off)
			if slot.now = (slotReading{}); steady {
				slot.now = slot.read(b, w.landings)
				w.doubt(&m.sites[i], slot, b)
			}
		}
	}
}

// doubt takes back which program a tail behind int3 names, where it may as well be half written:
// each byte is that of what the key held or of what it is given, and together they happen to be the
// way to a third program, which may be gone by now. Programs lie near each other, and under an
// emulator a tail may be half written for long, also in both copies.
func (w *watcher) doubt(s *watchSite, slot *watchSlot, b slotBytes) {
	names := slot.now.raw.Tail
	if s.key != w.busy || slot.now.raw.Head != protocol.HeadTrap || names < 0 || names == w.held[s.key] || names == w.gives() {
		return
	}
	from, to := w.tail(slot, w.held[s.key]), w.tail(slot, w.gives())
	for i := range from {
		if b[1+i] != from[i] && b[1+i] != to[i] {
			return
		}
	}
	slot.now.raw.Tail = protocol.AnyTail
}

// gives is the tail that the operation in progress gives targets.
func (w *watcher) gives() int {
	if w.op.Gives() {
		return w.given
	}
	return protocol.NopTail
}

// tail is what a target's tail is made of that names a program, or is a nop's.
func (w *watcher) tail(slot *watchSlot, names int) [4]byte {
	for addr, n := range w.landings {
		if n == names {
			return slot.tailTo(addr)
		}
	}
	nop := slot.nop()
	return [4]byte(nop[1:])
}

// jumps reports whether a target that begins as a jump does would be noted, or found to be wrong.
func (w *watcher) jumps(m *watched) bool {
	for i := range m.sites {
		s := &m.sites[i]
		t := &s.slots[protocol.Target]
		if t.now != (slotReading{}) && t.bytes[0] == opJump && (t.now.wrong || w.news(s)) {
			return true
		}
	}
	return false
}

// news reports whether what was read of a site is to be noted: something of it has changed, or
// the whole of it is to be noted again.
func (w *watcher) news(s *watchSite) bool {
	whole := true
	for i := range s.slots {
		raw := s.slots[i].now.raw
		if raw.Head != protocol.Unread && raw != s.noted[i] {
			return true
		}
		whole = whole && raw.Head != protocol.Unread
	}
	return s.stale && whole
}

// saw notes what was read of a site.
func (w *watcher) saw(m *watched, s *watchSite) {
	it := protocol.Item{Kind: protocol.Saw, Prog: protocol.AnyProg}
	it.Key, it.Desc = s.key, s.desc
	whole, settled, differs := true, true, false
	for i := range s.slots {
		raw := s.slots[i].now.raw
		it.Seen[i] = raw
		whole = whole && raw.Head != protocol.Unread
		settled = settled && (raw.Head == protocol.HeadNop || raw.Head == protocol.HeadJump)
		differs = differs || raw.Head != protocol.Unread && raw != s.noted[i]
	}
	s.noted, s.turn, s.stale, s.changed = it.Seen, w.turn, !whole, differs && settled
	if differs {
		w.same = 0
		if s.key == w.busy {
			w.hot = m
		}
	}
	w.tape.Add(it)
	w.result.Noted++
}

// spread makes the other sites of a key be noted again of which a poke of a site is over: in which
// order an operation goes through them is a part of the protocol. Only those are up to date that
// were noted of the same moment.
func (w *watcher) spread(m *watched) {
	for i := range m.sites {
		s := &m.sites[i]
		if !s.changed {
			continue
		}
		s.changed = false
		for _, other := range w.sites[s.key] {
			other.stale = other.stale || other.turn != w.turn
		}
	}
}

// stale makes all sites of a key be noted again.
func (w *watcher) stale(key int) {
	if key < 0 || key >= len(w.sites) {
		return
	}
	for _, s := range w.sites[key] {
		s.stale = true
	}
}
