package judge

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/model"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
	"tailpoke/stress/internal/rig"
	"tailpoke/stress/internal/workload"
)

// A liveRig is the patcher on real memory, with a trace of what it does. Nobody executes
// the memory: what an observer reads there is what is looked at.
type liveRig struct {
	t *testing.T
	*rig.Rig
	images  []*patcher.Image
	entry   *patcher.Program
	outs    []text.Insn                              // by site: the bypass's jump
	lands   [workload.MaxKeys * recent]atomic.Uint32 // by key: 1 + offset of the programs that it was given last
	given   [workload.MaxKeys]int                    // by key: how many
	numbers [workload.MaxKeys]int                    // by key: of the last one in the trace
	items   []protocol.Item                          // of the mutator
	events  atomic.Int64                             // how many of them are events
	inside  bool                                     // the mutator reads memory between micro-steps too
	sites   map[int][]int                            // by key
	slots   []patcher.Slots                          // of the entry
}

// jumpTable is the map of a generated workload.
const jumpTable = "jmp_table"

// recent is how many programs of a key its sites may still jump to.
const recent = 4

func newLiveRig(t *testing.T, s protocol.Subject, inside bool) *liveRig {
	t.Helper()
	r := &liveRig{t: t, inside: inside, sites: map[int][]int{}}
	target, err := workload.Generate(s.Shape, s.Method.Aligned())
	if err != nil {
		t.Fatal(err)
	}
	r.Rig, err = rig.Open(rig.Config{
		Subject: s, Layout: &jit.V510, Seed: 1, Arena: 4 << 20, Arrays: target.Maps,
		Pool:    exec.PoolConfig{Threads: 1, Ctx: target.Context.Bytes, Outcomes: []uint64{0}},
		Observe: r.observe, BetweenMicro: r.between,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	where := patcher.PlaceStraddling
	if s.Method.Aligned() {
		where = patcher.PlaceAligned
	}
	if r.entry, err = r.Patcher.Load("entry", r.compile(target.Entry), where); err != nil {
		t.Fatal(err)
	}
	for i, slots := range r.entry.Slots() {
		r.sites[slots.Key] = append(r.sites[slots.Key], i)
		r.outs = append(r.outs, slots.Insns[protocol.Bypass])
		r.slots = append(r.slots, slots)
	}
	for _, prog := range target.Programs {
		r.images = append(r.images, r.compile(prog))
	}
	return r
}

func (r *liveRig) compile(prog *jit.Program) *patcher.Image {
	img, err := r.Compile(prog)
	if err != nil {
		r.t.Fatal(err)
	}
	return rig.Image(img)
}

func (r *liveRig) observe(ev protocol.Event) {
	it := protocol.Item{Event: ev, Prog: protocol.AnyProg}
	if ev.Kind == protocol.Called && ev.Op.Gives() {
		it.Prog = r.numbers[ev.Key]
	}
	r.items = append(r.items, it)
	r.events.Add(1)
	r.between()
}

// between reads every site's memory in the mutator's own goroutine.
func (r *liveRig) between() {
	for site := range r.slots {
		if r.inside {
			r.items = append(r.items, r.saw(site))
		}
	}
}

// saw reads a site, again until two readings are alike: between two events at most one
// poke changes memory, so these were there at one moment.
func (r *liveRig) saw(site int) protocol.Item {
	slots := &r.slots[site]
	it := protocol.Item{Kind: protocol.Saw, Prog: protocol.AnyProg}
	it.Key = slots.Key
	for i, at := range r.sites[slots.Key] {
		if at == site {
			it.Desc = i
		}
	}
	var now, before [protocol.Slots]text.Insn
	read := func(to *[protocol.Slots]text.Insn) {
		for s := range to {
			r.Arena.ReadInto(slots.At[s], to[s][:])
		}
	}
	read(&before)
	for n := 0; ; n++ {
		if read(&now); now == before || n == 1000 {
			break
		}
		before = now
	}
	for s := range now {
		it.Seen[s] = r.raw(site, protocol.Slot(s), now[s])
	}
	return it
}

// raw classifies what a slot holds.
func (r *liveRig) raw(site int, s protocol.Slot, b text.Insn) protocol.SlotText {
	known := map[int]text.Insn{protocol.NopTail: text.Nop}
	if s == protocol.Bypass {
		known[protocol.OutTail] = r.outs[site]
	} else {
		for i := range r.lands {
			if off := r.lands[i].Load(); off != 0 {
				known[int(off)-1] = text.Jump(r.slots[site].At[s], exec.Off(off-1))
			}
		}
	}
	tail := protocol.MixedTail
	for t, insn := range known {
		if insn == b && t == protocol.NopTail {
			return protocol.SlotText{Head: protocol.HeadNop, Tail: t}
		}
		if insn == b {
			return protocol.SlotText{Head: protocol.HeadJump, Tail: t}
		}
		if bytes.Equal(insn[1:], b[1:]) {
			tail = t
		}
	}
	if b[0] == exec.Int3 {
		return protocol.SlotText{Head: protocol.HeadTrap, Tail: tail}
	}
	return protocol.SlotText{Head: protocol.HeadTorn, Tail: protocol.AnyTail}
}

// operate carries random operations out on every key.
func (r *liveRig) operate(s protocol.Subject, n int, rng *rand.Rand) {
	for range n {
		key := rng.IntN(s.Shape.Keys)
		r.Patcher.Reap()
		if rng.IntN(3) == 0 {
			if _, err := r.Arrays[jumpTable].Delete(key); err != nil {
				r.t.Fatal(err)
			}
			continue
		}
		img := r.images[rng.IntN(len(r.images))]
		p, err := r.Patcher.Load("p", img, patcher.PlaceAny)
		if err != nil {
			r.t.Fatal(err)
		}
		off, _ := r.Arena.OffOf(r.Patcher.Addr(p))
		land := uint32(off) + uint32(img.Landing)
		r.numbers[key] = int(land)
		r.lands[key*recent+r.given[key]%recent].Store(1 + land)
		r.given[key]++
		if err := r.Arrays[jumpTable].Update(key, p); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *liveRig) trace() protocol.Trace { return protocol.Trace{Items: r.items} }

// zooSubjects lists every protocol with every method, and every mutant.
func zooSubjects(t *testing.T) []protocol.Subject {
	var out []protocol.Subject
	for _, p := range protocol.Protocols() {
		for _, m := range protocol.Methods() {
			s := protocol.DefaultSubject()
			s.Protocol, s.Method = p, m
			out = append(out, s)
		}
	}
	for _, m := range protocol.Zoo() {
		s, err := m.Apply(protocol.DefaultSubject())
		if err != nil {
			t.Fatal(err)
		}
		if s.Protocol.LifeFault(protocol.Update) == "" && s.Protocol.LifeFault(protocol.Remove) == "" {
			out = append(out, s) // the patcher refuses the others
		}
	}
	return out
}

// TestPatcherConforms holds what the real patcher does, and what memory holds between the
// micro-steps of its pokes, against the model of the same subject.
func TestPatcherConforms(t *testing.T) {
	needCPU(t)
	for _, s := range zooSubjects(t) {
		t.Run(s.Protocol.Name+"/"+s.Method.Name, func(t *testing.T) {
			s.Shape = protocol.Shape{Threads: 1, Sites: 3, Programs: 2, Keys: 2}
			if s.Method.Aligned() {
				s.Shape.Sites, s.Shape.Keys = 1, 1
			}
			r := newLiveRig(t, s, true)
			r.operate(s, 40, rand.New(rand.NewPCG(1, 5)))
			res, err := model.Conform(s, r.trace())
			if err != nil {
				t.Fatal(err)
			}
			if res.Mismatch != nil || res.Items != len(r.items) || res.Events == 0 || res.Observations == 0 {
				t.Fatalf("%d of %d: %v\n%s", res.Items, len(r.items), res.Mismatch, tailOf(r.items, res.Items))
			}
		})
	}
}

// tailOf is what comes before item n, and the item.
func tailOf(items []protocol.Item, n int) string {
	return protocol.Trace{Items: items[max(0, n-12):min(n+1, len(items))]}.String()
}

// TestObserverConforms: an observer in another thread, who samples memory while the patcher
// works, reads what some state of the model shows, and in the right order. An observation
// counts between the two events between which it was made.
func TestObserverConforms(t *testing.T) {
	needCPU(t)
	s := protocol.DefaultSubject()
	s.Shape = protocol.Shape{Threads: 1, Sites: 2, Programs: 2, Keys: 1}
	r := newLiveRig(t, s, false)
	type seen struct {
		after int64
		it    protocol.Item
	}
	var saw []seen
	var last [2]seen // by site
	var many atomic.Int64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for site := 0; len(saw) < 1<<20; site = 1 - site {
			select {
			case <-stop:
				return
			default:
			}
			after := r.events.Load()
			it := r.saw(site)
			if now := (seen{after, it}); r.events.Load() == after && now != last[site] {
				last[site], saw = now, append(saw, now)
				many.Store(int64(len(saw)))
			}
		}
	}()
	rng := rand.New(rand.NewPCG(2, 5))
	for n := 0; n < 100 && many.Load() < 1000; n++ { // the observer may come late
		r.operate(s, 100, rng)
	}
	close(stop)
	<-done
	var items []protocol.Item
	words := map[string]int{}
	for i, it := range r.items {
		for len(saw) > 0 && saw[0].after == int64(i) {
			words[fmt.Sprint(saw[0].it.Seen[protocol.Target].Head)]++
			items = append(items, saw[0].it)
			saw = saw[1:]
		}
		items = append(items, it)
	}
	res, err := model.Conform(s, protocol.Trace{Items: items})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events, %d observations, by head of the target %v, widest %d", res.Events, res.Observations, words, res.Widest)
	if res.Mismatch != nil || res.Items != len(items) || res.Observations == 0 {
		t.Fatalf("%v\n%s", res.Mismatch, tailOf(items, res.Items))
	}
}

// TestUnseenConforms leaves out what happens inside of operations, as somebody does who can
// only call them and read memory: the rest conforms as well, and to no other protocol,
// whose memory would have shown something else.
func TestUnseenConforms(t *testing.T) {
	needCPU(t)
	s := protocol.DefaultSubject()
	s.Shape = protocol.Shape{Threads: 1, Sites: 2, Programs: 2, Keys: 1}
	r := newLiveRig(t, s, true)
	r.operate(s, 40, rand.New(rand.NewPCG(1, 5)))
	tr := protocol.Trace{Records: []protocol.EventKind{protocol.Called, protocol.Returned}}
	for _, it := range r.items {
		if it.Kind == protocol.Saw || tr.Recorded(it.Event.Kind) {
			tr.Items = append(tr.Items, it)
		}
	}
	for name, fits := range map[string]bool{"kernel": true, "batched": false, "lazy": false} {
		var err error
		if s.Protocol, err = protocol.ProtocolByName(name); err != nil {
			t.Fatal(err)
		}
		res, err := model.Conform(s, tr)
		if err != nil {
			t.Fatal(err)
		}
		if (res.Mismatch == nil) != fits || !fits && res.Mismatch.Item.Kind != protocol.Saw {
			t.Errorf("as %s: %v", name, res.Mismatch)
		}
	}
}
