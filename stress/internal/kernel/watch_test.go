package kernel

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// A watchRig is a prog array, callers with sites of it, and programs to give it.
type watchRig struct {
	array   *ebpf.Map
	images  []watchImage
	targets []watchTarget
	keys    int
}

type watchTarget struct {
	prog    *ebpf.Program
	landing uint64
}

// newWatchRig loads callers, given by the keys of their sites, of which the last is in a function.
func newWatchRig(t testing.TB, keys int, callers ...[]int) *watchRig {
	t.Helper()
	target, err := identity.DetectCompiler()
	if errors.Is(err, identity.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := &watchRig{keys: keys}
	r.array, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: uint32(keys)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.array.Close() })
	load := func(name string, insns asm.Instructions) *ebpf.Program {
		p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: insns})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Cleanup(func() { p.Close() })
		return p
	}
	for i, sites := range callers {
		name := fmt.Sprintf("caller %d", i)
		p := load(name, callerOf(r.array, sites))
		img, err := target.Image(name, p, r.array)
		if err != nil {
			t.Fatal(err)
		}
		if len(img.Sites) != len(sites) {
			t.Fatalf("%s has %d sites, not %d", name, len(img.Sites), len(sites))
		}
		r.images = append(r.images, watchImage{prog: p, img: img, name: name, keys: sites})
	}
	for i := range 3 {
		p := load("target", asm.Instructions{asm.Mov.Imm(asm.R0, int32(i)), asm.Return()})
		landing, err := target.Landing(p)
		if err != nil {
			t.Fatal(err)
		}
		r.targets = append(r.targets, watchTarget{p, landing})
	}
	return r
}

// callerOf has a site for each key, the last one in a function.
func callerOf(array *ebpf.Map, keys []int) asm.Instructions {
	site := func(key int) asm.Instructions {
		return asm.Instructions{
			asm.Mov.Reg(asm.R1, asm.R6), asm.LoadMapPtr(asm.R2, array.FD()), asm.Mov.Imm(asm.R3, int32(key)), asm.FnTailCall.Call(),
		}
	}
	insns := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("main")}
	last := len(keys) - 1
	for _, key := range keys[:last] {
		insns = append(insns, site(key)...)
	}
	insns = append(insns, asm.Mov.Reg(asm.R1, asm.R6), asm.Call.Label("sub"), asm.Mov.Imm(asm.R0, 7), asm.Return())
	sub := len(insns)
	insns = append(insns, asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("sub"))
	insns = append(insns, site(keys[last])...)
	insns = append(insns, asm.Mov.Imm(asm.R0, 3), asm.Return())
	proto := &btf.FuncProto{
		Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
		Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: &btf.Void{}}}},
	}
	for _, at := range []int{0, sub} {
		insns[at] = btf.WithFuncMetadata(insns[at], &btf.Func{Name: insns[at].Symbol(), Type: proto, Linkage: btf.StaticFunc})
	}
	return insns
}

// A watchRun is a watcher that runs beside a mutator.
type watchRun struct {
	*watchRig
	t     testing.TB
	w     *watcher
	items []protocol.Item
	stop  func() *Watch
}

func (r *watchRig) start(t testing.TB) *watchRun {
	t.Helper()
	run := &watchRun{watchRig: r, t: t}
	var err error
	run.w, err = newWatcher(r.images, r.keys, func(items []protocol.Item) { run.items = append(run.items, items...) })
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { run.w.run(done) })
	run.stop = sync.OnceValue(func() *Watch {
		close(done)
		wg.Wait()
		return run.w.close()
	})
	t.Cleanup(func() { run.stop() })
	return run
}

// put gives the key a program, take empties it.
func (r *watchRun) put(key int, op protocol.OpKind, target int) {
	p := r.targets[target]
	r.w.called(key, op, r.w.landing(p.landing))
	r.attended()
	err := r.array.Put(uint32(key), p.prog)
	r.w.returned(key, op)
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *watchRun) take(key int) {
	r.w.called(key, protocol.Remove, protocol.AnyProg)
	r.attended()
	err := r.array.Delete(uint32(key))
	r.w.returned(key, protocol.Remove)
	if err != nil {
		r.t.Fatal(err)
	}
}

// attended waits until the reader has looked since the operation was announced: it sleeps between
// operations, and would wake after the first poke.
func (r *watchRun) attended() {
	r.looks(2, runtime.Gosched)
}

// quiet lets the reader look at everything more than once, nothing going on.
func (r *watchRun) quiet() {
	r.looks(30*uint64(len(r.images)), func() { time.Sleep(time.Millisecond) })
}

// looks waits until the reader has looked so often.
func (r *watchRun) looks(n uint64, wait func()) {
	first, _, _ := r.w.sofar()
	for {
		reads, _, ended := r.w.sofar()
		if ended {
			r.t.Fatal("the reader has ended on its own")
		}
		if reads >= first+n {
			return
		}
		wait()
	}
}

// cycle goes through install, updates and remove of a key.
func (r *watchRun) cycle(rng *rand.Rand, updates int) {
	key, at := rng.IntN(r.keys), rng.IntN(len(r.targets))
	r.put(key, protocol.Install, at)
	for range updates {
		at = (at + 1 + rng.IntN(len(r.targets)-1)) % len(r.targets)
		r.put(key, protocol.Update, at)
	}
	r.take(key)
}

// kernelSubject is what the running kernel carries out.
func kernelSubject() protocol.Subject {
	s := protocol.DefaultSubject()
	s.Shape = protocol.Shape{Threads: 1, Programs: 2}
	return s
}

// conforms holds the trace against the model.
func conforms(t testing.TB, s protocol.Subject, items []protocol.Item) *model.Conformance {
	t.Helper()
	c, err := model.NewConformer(s, []protocol.EventKind{protocol.Called, protocol.Returned})
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		fits, err := c.Consume(it)
		if err != nil {
			t.Fatal(err)
		}
		if !fits {
			break
		}
	}
	return c.Result()
}

// mustConform wants a clean run.
func mustConform(t *testing.T, run *watchRun, res *Watch) *model.Conformance {
	t.Helper()
	if res.Error != "" || len(res.Findings) > 0 {
		t.Errorf("%s, findings %v", res.Error, res.Findings)
	}
	c := conforms(t, kernelSubject(), run.items)
	if c.Mismatch != nil {
		from := max(0, c.Mismatch.Index-20)
		t.Fatalf("%v, after %v", c.Mismatch, run.items[from:c.Mismatch.Index])
	}
	if c.Items != len(run.items) || c.Observations != int(res.Noted) {
		t.Errorf("%d of %d items were consumed, %d of %d observations", c.Items, len(run.items), c.Observations, res.Noted)
	}
	return c
}

// TestWatcherSeesEveryPhase: each phase of each operation is read sooner or later, and the trace is
// a behaviour of the model.
func TestWatcherSeesEveryPhase(t *testing.T) {
	for name, callers := range map[string][][]int{
		"two keys":              {{0, 1}},
		"three sites of a key":  {{0, 0}, {1, 0}},
		"ten sites of one key":  {{0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}},
		"nine callers of a key": {{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && len(slices.Concat(callers...)) > 4 {
				t.Skip("short: the model explains so many sites slowly")
			}
			run := newWatchRig(t, 2, callers...).start(t)
			start := time.Now()
			n := run.toTheEnd(5, 10)
			took := time.Since(start)
			res := run.stop()
			start = time.Now()
			c := mustConform(t, run, res)
			t.Logf("%d cycles; %d reads, %.0f a second; %d items, %d observations, %d dropped", n, res.Reads,
				float64(res.Reads)/took.Seconds(), c.Items, c.Observations, res.Dropped)
			t.Logf("conforms, found in %v; widest %d\n%+v", time.Since(start), c.Widest, res.Seen)
			phases, foreign := res.Coverage(protocol.Protocols()[0], protocol.Methods()[0])
			for _, p := range changed(phases) {
				if p.Seen == 0 {
					t.Errorf("%v: %v was never read in %v", p.Op, p.Slots, took)
				}
			}
			if len(foreign) > 0 {
				t.Errorf("no phases: %+v", foreign)
			}
		})
	}
}

// toTheEnd makes at least so many cycles, and goes on until every phase was seen; it gives up after two
// minutes. A phase lasts some microseconds. What is rare is seeing those of a remove: a cycle has one,
// which waits for a grace period, and the reader naps meanwhile. So updates, which need no wait, are
// many only until their own phases were seen.
func (r *watchRun) toTheEnd(least, updates int) (n int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread, err := attend() // on a busy machine the mutator must run when the reader looks
	if err != nil {
		r.t.Fatal(err)
	}
	defer thread.leave()
	rng := rand.New(rand.NewPCG(1, 2))
	for start := time.Now(); time.Since(start) < 2*time.Minute; n++ {
		missing := r.missing()
		if n >= least && len(missing) == 0 {
			break
		}
		if n >= least && missing[protocol.Update.String()] == 0 {
			updates = 1
		}
		r.cycle(rng, updates)
	}
	return n
}

// changed are the phases in which an operation has changed something. What was there before is there
// for some microseconds behind the call, or for none: whether the reader comes by is luck.
func changed(phases []report.Phase) []report.Phase {
	var out []report.Phase
	for i, p := range phases {
		if i > 0 && phases[i-1].Op == p.Op {
			out = append(out, p)
		}
	}
	return out
}

// missing counts the phases of each operation that were not seen so far.
func (r *watchRun) missing() map[string]int {
	r.w.lock()
	defer r.w.mu.Unlock()
	out := map[string]int{}
	phases, _ := r.w.result.Coverage(protocol.Protocols()[0], protocol.Methods()[0])
	for _, p := range changed(phases) {
		if p.Seen == 0 {
			out[p.Op]++
		}
	}
	return out
}

// TestWatcherTellsProtocolsApart holds the trace of the running kernel against other protocols and
// methods. Those that differ in nothing but grace periods and the freeing of programs cannot be
// told from what is read.
func TestWatcherTellsProtocolsApart(t *testing.T) {
	run := newWatchRig(t, 1, []int{0, 0, 0}).start(t)
	run.toTheEnd(40, 3)
	res := run.stop()
	mustConform(t, run, res)
	fits := []string{
		"kernel", "no-grace", "early-grace", "double-grace", "free-on-update", "free-on-remove", "free-after-wait",
		"forget-reader", "sleep-grace", "int3-nosync", "trap-retry", "sleepable-readers", "sleepable-freed", "sleepable-both",
	}
	subjects := []protocol.Subject{}
	for _, p := range protocol.Protocols() {
		s := kernelSubject()
		s.Protocol = p
		subjects = append(subjects, s)
	}
	for _, m := range protocol.Zoo() {
		s, err := m.Apply(kernelSubject())
		if err != nil {
			t.Fatal(err)
		}
		s.Protocol.Name = m.Name
		subjects = append(subjects, s)
	}
	word := kernelSubject()
	word.Protocol.Name, word.Method = "word", protocol.Methods()[1]
	for _, s := range append(subjects, word) {
		c := conforms(t, s, run.items)
		if want := slices.Contains(fits, s.Protocol.Name); (c.Mismatch == nil) != want {
			t.Errorf("%s: fits %v; %v", s.Protocol.Name, !want, c.Mismatch)
		} else {
			t.Logf("%s: %v", s.Protocol.Name, c.Mismatch)
		}
	}
}

// TestWatcherReports: what is not as the watcher was told is a finding, or no behaviour of the
// model.
func TestWatcherReports(t *testing.T) {
	quiet := (*watchRun).quiet
	for name, c := range map[string]struct {
		wrong   func(*watchRig)
		do      func(*watchRun)
		finding bool
	}{
		"sites that lie a byte further on": {
			func(r *watchRig) {
				for i := range r.images[0].img.Sites {
					s := &r.images[0].img.Sites[i]
					for n := range s.Slots {
						s.Slots[n].Off++
					}
				}
			}, quiet, true,
		},
		"a bypass that jumps elsewhere": {
			func(r *watchRig) { r.images[0].img.Sites[0].Slots[protocol.Bypass].Out++ }, quiet, true,
		},
		"a program that nobody knows": {
			nil, func(r *watchRun) {
				r.w.called(0, protocol.Install, r.w.landing(r.targets[1].landing))
				err := r.array.Put(uint32(0), r.targets[0].prog)
				r.w.returned(0, protocol.Install)
				if err != nil {
					r.t.Fatal(err)
				}
				quiet(r)
			}, true,
		},
		"another program than was called": {
			nil, func(r *watchRun) {
				r.w.landing(r.targets[0].landing)
				r.w.called(0, protocol.Install, r.w.landing(r.targets[1].landing))
				err := r.array.Put(uint32(0), r.targets[0].prog)
				r.w.returned(0, protocol.Install)
				if err != nil {
					r.t.Fatal(err)
				}
				quiet(r)
			}, false,
		},
		"the sites of another key": {
			func(r *watchRig) { slices.Reverse(r.images[0].keys) },
			func(r *watchRun) { r.put(0, protocol.Install, 0); quiet(r) }, false,
		},
		"a change behind the mutator's back": {
			nil, func(r *watchRun) {
				r.put(0, protocol.Install, 0)
				quiet(r)
				if err := r.array.Delete(uint32(0)); err != nil {
					r.t.Fatal(err)
				}
				quiet(r)
			}, false,
		},
		"an operation that does nothing": {
			nil, func(r *watchRun) {
				r.w.called(0, protocol.Install, r.w.landing(r.targets[0].landing))
				r.w.returned(0, protocol.Install)
				quiet(r)
			}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			rig := newWatchRig(t, 2, []int{0, 1})
			if c.wrong != nil {
				c.wrong(rig)
			}
			run := rig.start(t)
			quiet(run)
			c.do(run)
			res := run.stop()
			t.Log(res.Findings)
			m := conforms(t, kernelSubject(), run.items).Mismatch
			t.Log(m)
			if c.finding != (len(res.Findings) > 0) || m == nil && !c.finding {
				t.Errorf("findings %v, mismatch %v", res.Findings, m)
			}
		})
	}
}

// TestWatcherTakerIsSlow: what the mutator notes is never dropped, and what is left conforms.
func TestWatcherTakerIsSlow(t *testing.T) {
	rig := newWatchRig(t, 1, []int{0})
	var items []protocol.Item
	w, err := newWatcher(rig.images, rig.keys, func(more []protocol.Item) {
		time.Sleep(5 * time.Millisecond)
		items = append(items, more...)
	})
	if err != nil {
		t.Fatal(err)
	}
	// Without a reader, so that the room is filled in no time.
	n := 3 * 32 * live.TapeBuffer / 2 // half again as many as a tape has room for
	for i := range n {
		w.called(0, protocol.Install, i)
		if _, err := w.look(); err != nil {
			t.Fatal(err)
		}
		w.returned(0, protocol.Install)
	}
	res := w.close()
	noted := 0
	for _, it := range items {
		if it.Kind == protocol.Happened {
			if want := (noted%2 == 0); want != (it.Event.Kind == protocol.Called) || want && it.Prog != noted/2 {
				t.Fatalf("note %d is %v", noted, it)
			}
			noted++
		}
	}
	if noted != 2*n || res.Noted+1 != uint64(len(items)-noted) {
		t.Errorf("%d of %d notes, %d of %d observations", noted, 2*n, len(items)-noted-1, res.Noted)
	}
	if res.Dropped == 0 {
		t.Error("nothing was dropped")
	}
	t.Logf("%d noted, %d dropped", res.Noted, res.Dropped)
}

// TestWatcherRefuses: what cannot be watched is told.
func TestWatcherRefuses(t *testing.T) {
	rig := newWatchRig(t, 1, []int{0, 0})
	for name, wrong := range map[string]func(*watchImage){
		"keys of one site":  func(m *watchImage) { m.keys = m.keys[:1] },
		"no such key":       func(m *watchImage) { m.keys = []int{0, 1} },
		"another size":      func(m *watchImage) { m.img.Size++ },
		"behind the image":  func(m *watchImage) { m.img.Sites[1].Slots[protocol.Target].Off = m.img.Size - 4 },
		"a slot before all": func(m *watchImage) { m.img.Sites[1].Slots[protocol.Target].Off = -1 },
	} {
		m := rig.images[0]
		img := *m.img
		img.Sites = slices.Clone(img.Sites)
		m.img = &img
		wrong(&m)
		if _, err := newWatcher([]watchImage{m}, 1, nil); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
	var nobody *watcher
	nobody.called(0, protocol.Install, nobody.landing(1))
	nobody.returned(0, protocol.Install)
	nobody.run(nil)
	if nobody.close() != nil {
		t.Error("a nil watcher saw something")
	}
}

// BenchmarkWatcherRead is one read of an image: two copies, and what they mean.
func BenchmarkWatcherRead(b *testing.B) {
	for _, sites := range []int{1, 8} {
		b.Run(fmt.Sprintf("%d sites", sites), func(b *testing.B) {
			rig := newWatchRig(b, 1, make([]int, sites))
			w, err := newWatcher(rig.images, 1, func([]protocol.Item) {})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.look(); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			w.close()
		})
	}
}
