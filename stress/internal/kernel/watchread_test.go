package kernel

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cilium/ebpf"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/live"
)

// A fakeText is memory that is poked byte by byte, at any time while it is copied byte by byte.
type fakeText struct {
	mem   []byte
	rng   *rand.Rand
	steps []fakeStore // that come next
	hurry int         // how many at most while a byte is copied
	past  [][]byte    // what the memory was, at each moment since the read began
}

type fakeStore struct {
	off   int
	value byte
}

const (
	fakeBase  = 0x10000
	fakeSite  = 11
	fakeSites = 2
	fakeFirst = 0x20304 // where two programs lie: all bytes of their tails differ, or some
	fakeOther = 0x5010203
	fakeThird = 0x20404
)

// advance makes some stores.
func (f *fakeText) advance(most int) {
	for n := f.rng.IntN(most + 1); n > 0 && len(f.steps) > 0; n-- {
		s := f.steps[0]
		f.steps = f.steps[1:]
		f.mem[s.off] = s.value
		f.past = append(f.past, slices.Clone(f.mem))
	}
}

// fill copies the bytes in any order.
func (f *fakeText) fill(to []byte) {
	f.advance(2)
	for _, i := range f.rng.Perm(len(to)) {
		f.advance(f.hurry)
		to[i] = f.mem[i]
	}
}

// poke appends the stores that make a slot the given bytes.
func (f *fakeText) poke(off int, b slotBytes) {
	f.steps = append(f.steps, fakeStore{off, opTrap})
	for _, i := range f.rng.Perm(len(b) - 1) {
		f.steps = append(f.steps, fakeStore{off + 1 + i, b[1+i]})
	}
	f.steps = append(f.steps, fakeStore{off, b[0]})
}

func fakeJump(from uint64, to uint64) (b slotBytes) {
	b[0] = opJump
	binary.LittleEndian.PutUint32(b[1:], uint32(to-from-5))
	return b
}

// newFakeText makes memory with two sites of one key, and a watcher of it that nobody runs.
func newFakeText(seed uint64) (*fakeText, *watcher, *watched) {
	f := &fakeText{rng: rand.New(rand.NewPCG(seed, 7)), mem: make([]byte, fakeSites*fakeSite)}
	f.hurry = f.rng.IntN(3)
	w := &watcher{
		sites: make([][]*watchSite, 1), byKey: make([][]int, 1), held: []int{protocol.NopTail}, dump: &watchDump{},
		landings: map[uint64]int{fakeFirst: 0, fakeOther: 1, fakeThird: 2}, tape: &live.Tape{},
	}
	for i := range w.dump.copies {
		w.dump.copies[i] = make([]byte, len(f.mem))
	}
	w.dump.fill = func(_ *ebpf.Program, _, to int) error { f.fill(w.dump.copies[to]); return nil }
	m := &watched{name: "fake", bytes: len(f.mem)}
	for i := range fakeSites {
		at := func(off, out int) identity.Slot {
			s := identity.Slot{Off: i*fakeSite + off, Addr: fakeBase + uint64(i*fakeSite+off)}
			if out != 0 {
				s.Out = fakeBase + uint64(i*fakeSite+out)
			}
			return s
		}
		m.sites = append(m.sites, newWatchSite(i, 0, i, &identity.Site{Slots: [protocol.Slots]identity.Slot{at(0, 11), at(6, 0)}}))
	}
	for i := range m.sites {
		w.sites[0] = append(w.sites[0], &m.sites[i])
	}
	return f, w, m
}

// TestReadInventsNothing: all that is noted of one read was in memory at one moment, whatever the
// order in which bytes are written and copied, and also where the pokes of an update are made
// together.
func TestReadInventsNothing(t *testing.T) {
	noted, jumps, seeds := 0, 0, 100_000
	if testing.Short() {
		seeds = 5_000
	}
	for seed := range uint64(seeds) {
		f, w, m := newFakeText(seed)
		w.op = protocol.OpKind(f.rng.IntN(protocol.OpKinds))
		tos := []uint64{fakeFirst, fakeOther, fakeThird}
		f.rng.Shuffle(len(tos), func(i, j int) { tos[i], tos[j] = tos[j], tos[i] })
		for i := range m.sites {
			f.operate(w.op, &m.sites[i], tos[0], tos[1])
		}
		if w.op == protocol.Update && f.rng.IntN(2) == 0 {
			f.together()
		}
		if f.rng.IntN(2) == 0 { // no site needs to be told again
			for i := range m.sites {
				f.remember(w, &m.sites[i])
			}
		}
		f.advance(len(f.steps))
		f.past = [][]byte{slices.Clone(f.mem)}
		if err := w.read(m); err != nil {
			t.Fatal(err)
		}
		if len(w.result.Findings) > 0 {
			t.Fatalf("seed %d: %v", seed, w.result.Findings)
		}
		if len(w.tape.Items) > 0 && !slices.ContainsFunc(f.past, func(mem []byte) bool { return f.held(w, m, mem) }) {
			t.Fatalf("seed %d: %v: never in memory at one moment:\n%v", seed, w.op, protocol.Trace{Items: w.tape.Items})
		}
		noted += len(w.tape.Items)
		for _, it := range w.tape.Items {
			if it.Seen[protocol.Target].Head == protocol.HeadJump {
				jumps++
			}
		}
	}
	t.Logf("%d sites noted, %d with a jump in the target", noted, jumps)
	if noted < seeds/2 || jumps < seeds/5 {
		t.Error("too few to mean anything")
	}
}

// TestTornHeads: an update pokes both sites together. In the first copy the old head of site 0 is
// read before its int3, and its tail when that is written; in the second one the head of site 1 is
// read before it is written, and that of site 0 afterwards. So both copies show the same, and never
// was site 0 done while site 1 was not.
func TestTornHeads(t *testing.T) {
	f, w, m := newFakeText(1)
	w.op = protocol.Update
	for i := range m.sites {
		f.operate(w.op, &m.sites[i], fakeFirst, fakeOther)
		f.remember(w, &m.sites[i])
	}
	done := slices.Clone(f.mem)
	for _, s := range f.steps {
		done[s.off] = s.value
	}
	torn := slices.Clone(done)
	torn[m.sites[1].slots[protocol.Target].Off] = opTrap
	w.dump.fill = func(_ *ebpf.Program, _, to int) error {
		copy(w.dump.copies[to], [watchCopies][]byte{torn, torn, done, done}[to])
		return nil
	}
	if err := w.read(m); err != nil {
		t.Fatal(err)
	}
	want := []string{"key 0 saw site 0 bypass=nop target=jump-p1"}
	if got := noted(w); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestOthersAreNotedAgain: once a site has gone from one state to another, the other site of the
// key is noted too, though nothing has changed there: it was like that afterwards.
func TestOthersAreNotedAgain(t *testing.T) {
	f, w, m := newFakeText(1)
	w.op = protocol.Remove
	for i := range m.sites {
		f.operate(w.op, &m.sites[i], fakeFirst, fakeFirst)
	}
	read := func(want ...string) {
		t.Helper()
		w.turn++
		f.steps, w.tape.Items = nil, w.tape.Items[:0]
		if err := w.read(m); err != nil {
			t.Fatal(err)
		}
		if got := noted(w); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	steps := f.steps
	read("key 0 saw site 0 bypass=nop target=jump-p0", "key 0 saw site 1 bypass=nop target=jump-p0")
	read()
	for _, s := range steps[:1] {
		f.mem[s.off] = s.value
	}
	read("key 0 saw site 0 bypass=int3-nop target=jump-p0")
	read()
	for _, s := range steps[:6] {
		f.mem[s.off] = s.value
	}
	read("key 0 saw site 0 bypass=jump-out target=jump-p0")
	read("key 0 saw site 1 bypass=nop target=jump-p0")
	read()
}

// noted is what a watcher noted, without when.
func noted(w *watcher) (out []string) {
	for _, it := range w.tape.Items {
		it.At = 0
		out = append(out, it.String())
	}
	return out
}

// operate writes what a site holds before an operation, and appends the operation's stores.
func (f *fakeText) operate(op protocol.OpKind, s *watchSite, old, given uint64) {
	nop := usualNop
	bypass, target := &s.slots[protocol.Bypass], &s.slots[protocol.Target]
	out := fakeJump(bypass.Addr, bypass.Out)
	copy(f.mem[bypass.Off:], nop[:])
	before := fakeJump(target.Addr, old)
	copy(f.mem[target.Off:], before[:])
	switch op {
	case protocol.Install:
		copy(f.mem[bypass.Off:], out[:])
		copy(f.mem[target.Off:], nop[:])
		f.poke(target.Off, fakeJump(target.Addr, given))
		f.poke(bypass.Off, nop)
	case protocol.Update:
		f.poke(target.Off, fakeJump(target.Addr, given))
	case protocol.Remove:
		f.poke(bypass.Off, out)
		f.poke(target.Off, nop)
	}
}

// together makes the pokes of all sites at once: every int3, every tail, every head, each in any
// order of the sites.
func (f *fakeText) together() {
	const each = len(slotBytes{}) + 1
	var steps []fakeStore
	for _, part := range [][2]int{{0, 1}, {1, each - 1}, {each - 1, each}} {
		for _, site := range f.rng.Perm(fakeSites) {
			steps = append(steps, f.steps[site*each:][part[0]:part[1]]...)
		}
	}
	f.steps = steps
}

// remember makes the watcher have noted what a site holds.
func (f *fakeText) remember(w *watcher, s *watchSite) {
	for i := range s.slots {
		s.noted[i] = s.slots[i].read(slotBytes(f.mem[s.slots[i].Off:]), w.landings).raw
	}
	s.stale = false
}

// held reports whether memory at some moment agrees with all that was noted.
func (f *fakeText) held(w *watcher, m *watched, mem []byte) bool {
	for _, it := range w.tape.Items {
		for i, raw := range it.Seen {
			slot := m.sites[it.Desc].slots[i]
			if b := slotBytes(mem[slot.Off:]); raw.Head != protocol.Unread && raw != slot.classify(b, w.landings).raw {
				return false
			}
		}
	}
	return true
}
