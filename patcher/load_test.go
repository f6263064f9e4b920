//go:build linux && amd64

package patcher

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
)

func TestLoadFindsWhatKeysHold(t *testing.T) {
	for _, name := range []string{"kernel", "batched", "lazy"} {
		r := newRig(t, setting{protocol: named(t, name)})
		p0, p1 := r.held(t, 0), r.held(t, 1)
		r.update(t, 0, p0)
		r.update(t, 1, p0)
		r.update(t, 1, p1)
		r.update(t, 2, p1)
		r.delete(t, 2)
		r.events = nil
		caller := r.load(t, "caller", r.caller(t, 0, 1, 2, 3, 0))
		// A site of a key that was emptied before is as one of a key that never held any.
		if got := r.states(caller); got != "BBCCB" {
			t.Errorf("%s: states %s", name, got)
		}
		for i, want := range []*Program{p0, p1, nil, nil, p0} {
			s, insn := caller.Slots()[i], text.Nop
			if want != nil {
				insn = text.Jump(s.At[protocol.Target], want.landing())
			}
			if got := s.Insns[protocol.Target]; got != insn || s.Key != []int{0, 1, 2, 3, 0}[i] || s.Array != testMap {
				t.Errorf("%s: site %d has target %v, want %v: %+v", name, i, got, insn, s)
			}
		}
		if len(r.events) != 0 {
			t.Errorf("%s: a load is no operation, and showed %v", name, r.events)
		}
	}
}

// TestArraysWhileProgramsAreLoaded makes prog arrays and loads programs at the same time: each array has
// a place of its own. The race detector sees more.
func TestArraysWhileProgramsAreLoaded(t *testing.T) {
	r := newRig(t, setting{silent: true})
	img := r.caller(t, 0, 1)
	const makers, each = 4, 200
	var makes [makers][each]*ProgArray
	var all sync.WaitGroup
	for i := range makers {
		all.Go(func() {
			for n := range each {
				a, err := r.p.NewArray(fmt.Sprintf("array %d of %d", n, i), 8)
				if err != nil {
					t.Error(err)
					return
				}
				makes[i][n] = a
			}
		})
	}
	for range 20 {
		p, err := r.p.Load("caller", img, PlaceAny)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.p.Unload(p); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	at := map[uint64]bool{}
	for _, some := range makes {
		for _, a := range some {
			if a != nil {
				at[a.Addr()] = true
			}
		}
	}
	if len(at) != makers*each {
		t.Errorf("%d places of %d arrays", len(at), makers*each)
	}
}

// TestUnstableDescriptors takes Load apart: what happens to a key between tracking and
// fixup passes the site by, and the fixup finds its result.
func TestUnstableDescriptors(t *testing.T) {
	type step struct {
		name string
		do   func(r *rig)
		want string
	}
	for _, steps := range [][]step{
		{{"install", func(r *rig) { r.update(t, 0, r.held(t, 0)) }, "B"}},
		{
			{"install", func(r *rig) { r.update(t, 0, r.held(t, 0)) }, "B"},
			{"update", func(r *rig) { r.update(t, 0, r.held(t, 1)) }, "B"},
			{"remove", func(r *rig) { r.delete(t, 0) }, "C"},
		},
	} {
		r := newRig(t, setting{})
		prog := &Program{Name: "caller", Image: r.caller(t, 0)}
		if err := r.p.place(prog, PlaceAny); err != nil {
			t.Fatal(err)
		}
		var err error
		if prog.pokes, err = r.p.descriptors(prog); err != nil {
			t.Fatal(err)
		}
		d := prog.pokes[0]
		r.a.track(d)
		for _, s := range steps {
			r.events = nil
			s.do(r)
			if got := r.states(prog); got != "C" || !bytes.Equal(r.textOf(prog), prog.Image.Code) {
				t.Errorf("%s poked an unstable site: state %s", s.name, got)
			}
			for _, ev := range r.events {
				if ev.Kind == protocol.Poked {
					t.Errorf("%s: %v", s.name, ev)
				}
			}
		}
		if err := r.a.fixup(d); err != nil {
			t.Fatal(err)
		}
		if got, want := r.states(prog), steps[len(steps)-1].want; got != want || !d.stable.Load() {
			t.Errorf("fixed up: state %s, want %s, stable %v", got, want, d.stable.Load())
		}
		r.update(t, 0, r.held(t, 2))
		if got := r.states(prog); got != "B" {
			t.Errorf("updated: state %s", got)
		}
	}
}

// resources counts what the patcher has given out.
func (r *rig) resources() (structs, pages, tracked int) {
	for _, used := range r.p.structs {
		if used {
			structs++
		}
	}
	for _, used := range r.p.space.used {
		if used {
			pages++
		}
	}
	for _, f := range r.p.space.freed {
		pages -= f.pages
	}
	return structs, pages, len(r.a.pokers)
}

func TestLoadErrors(t *testing.T) {
	r := newRig(t, setting{arena: 8 * pageSize})
	foreign, beyond, before := r.caller(t, 0), r.caller(t, 0, 1), r.caller(t, 0)
	foreign.Sites[0].Array = "unknown"
	beyond.Sites[1].Key = testKeys
	before.Sites[0].Key = -1
	r.update(t, 0, r.held(t, 0))
	s0, p0, t0 := r.resources()
	for _, c := range []struct {
		img   *Image
		where Placement
		want  string
	}{
		{foreign, PlaceAny, `load x: site of unknown map "unknown"`},
		{beyond, PlaceAny, `load x: site of key 4: jmp_table has 4 keys`},
		{before, PlaceAny, `load x: site of key -1: jmp_table has 4 keys`},
		{&Image{Code: make([]byte, 9*pageSize)}, PlaceAny, "load x: no room for an image of"},
		{r.caller(t, 0), PlaceAligned, "load x: no place of the image has all"},
	} {
		prog, err := r.p.Load("x", c.img, c.where)
		if prog != nil || err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
		if s, p, n := r.resources(); s != s0 || p != p0 || n != t0 {
			t.Errorf("%v: structs %d -> %d, pages %d -> %d, descriptors %d -> %d", err, s0, s, p0, p, t0, n)
		}
	}
}

// TestFixupFails loads a caller whose slots are not what the compiler says: the load is
// undone.
func TestFixupFails(t *testing.T) {
	r := newRig(t, setting{})
	r.update(t, 1, r.held(t, 0))
	s0, p0, t0 := r.resources()
	img := r.caller(t, 0, 1)
	img.Code[img.Sites[1].Slots[protocol.Target].Off] = exec.Int3
	_, err := r.p.Load("x", img, PlaceAny)
	var mm *text.MismatchError
	if !errors.As(err, &mm) {
		t.Fatalf("error %v", err)
	}
	if s, p, n := r.resources(); s != s0 || p != p0 || n != t0 {
		t.Errorf("structs %d -> %d, pages %d -> %d, descriptors %d -> %d", s0, s, p0, p, t0, n)
	}
	r.delete(t, 1)
}

// TestWholeArena: an image may fill its arena.
func TestWholeArena(t *testing.T) {
	s := space{used: make([]bool, 4), rng: rand.New(rand.NewPCG(1, 2))}
	if off, err := s.alloc(4 * pageSize); err != nil || off != 0 {
		t.Errorf("at %d, %v", off, err)
	}
}

func TestArenaFull(t *testing.T) {
	r := newRig(t, setting{arena: 2 * pageSize})
	r.load(t, "p0", r.program(t, 0))
	r.load(t, "p1", r.program(t, 1))
	if _, err := r.p.Load("p2", r.program(t, 2), PlaceAny); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("a third program in two pages: %v", err)
	}
}

func TestTooManyPrograms(t *testing.T) {
	r := newRig(t, setting{arena: (progStructs + 1) * pageSize})
	img := &Image{Code: []byte{0xc3}, Starts: []Off{0}}
	for range progStructs {
		r.load(t, "p", img)
	}
	_, p0, _ := r.resources()
	if _, err := r.p.Load("p", img, PlaceAny); err == nil || !strings.Contains(err.Error(), "more than 1024 programs") {
		t.Errorf("error %v", err)
	}
	if _, p, _ := r.resources(); p != p0 {
		t.Errorf("pages %d -> %d", p0, p)
	}
}

func TestPlacements(t *testing.T) {
	r := newRig(t, setting{method: &protocol.Methods()[1]})
	img := r.callerUsing(t, []asm.Register{asm.R6, asm.R7}, 0)
	for range 4 {
		prog, err := r.p.Load("aligned", img, PlaceAligned)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range prog.Slots()[0].At {
			if !text.FitsWord(at) {
				t.Errorf("aligned: slot at %#x", at)
			}
		}
	}
	r.update(t, 0, r.held(t, 0)) // by the method that needs it
	r.delete(t, 0)
	straddling := map[protocol.Slot]int{}
	img = r.caller(t, 0, 1)
	for range 4 {
		prog, err := r.p.Load("straddling", img, PlaceStraddling)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range prog.Slots() {
			for slot, at := range s.At {
				if at%lineSize == straddleAt {
					straddling[protocol.Slot(slot)]++
				}
			}
		}
	}
	if straddling[protocol.Bypass] < 2 || straddling[protocol.Target] < 2 {
		t.Errorf("of four loads, slots that straddle a line: %v", straddling)
	}
	var aligned *PlacementError
	if _, err := r.p.Load("x", r.caller(t, 0), PlaceAligned); !errors.As(err, &aligned) || aligned.Slots != 2 {
		t.Errorf("error %v", err)
	}
}

// TestPlacesDiffer: jumps to copies of a program should differ in all their bytes, now
// and then.
func TestPlacesDiffer(t *testing.T) {
	r := newRig(t, setting{})
	img := r.program(t, 0)
	low, page := map[exec.Off]bool{}, map[exec.Off]bool{}
	for range 32 {
		prog := r.load(t, "p", img)
		low[prog.off%anyShift], page[prog.page] = true, true
	}
	if len(page) != 32 || len(low) < 8 {
		t.Errorf("32 copies at %d pages, %d places in a page", len(page), len(low))
	}
}

func TestArrayErrors(t *testing.T) {
	r := newRig(t, setting{})
	prog := r.held(t, 0)
	for _, key := range []int{-1, testKeys, 1 << 20} {
		if err := r.a.Update(key, prog); err == nil {
			t.Errorf("update of key %d", key)
		}
		if ok, err := r.a.Delete(key); err == nil || ok {
			t.Errorf("delete of key %d: %v", key, ok)
		}
	}
	if prog.refs.Load() != 1 || len(r.events) != 0 {
		t.Errorf("%d references, events %v", prog.refs.Load(), r.events)
	}
	for name, keys := range map[string]int{testMap: 1, "none": 0, "negative": -1, "large": dataSize} {
		if _, err := r.p.NewArray(name, keys); err == nil {
			t.Errorf("array %s of %d keys", name, keys)
		}
	}
	if a, err := r.p.NewArray("second", 7); err != nil || a.Keys() != 7 {
		t.Errorf("%v", err)
	}
}

// TestNothingIsLeft counts mappings: those of the runtime come and go, so that the
// patcher's own are looked for.
func TestNothingIsLeft(t *testing.T) {
	r := newRig(t, setting{threads: 4})
	r.update(t, 0, r.held(t, 0))
	r.start(t, r.load(t, "caller", r.caller(t, 0)))
	if n := mappings(t, "memfd:tailpoke"); n != 2 {
		t.Errorf("an arena has %d mappings", n)
	}
	addrs := []uint64{r.p.data.Addr(0), r.p.data.Addr(dataSize - 1), r.arena.Addr(0)}
	for _, a := range addrs {
		if !mapped(t, a) {
			t.Errorf("%#x is not mapped", a)
		}
	}
	r.close(t)
	if n := mappings(t, "memfd:tailpoke"); n != 0 {
		t.Errorf("%d mappings of arenas are left", n)
	}
	for _, a := range addrs {
		if mapped(t, a) {
			t.Errorf("%#x is still mapped", a)
		}
	}
}

func mappings(t *testing.T, of string) (n int) {
	t.Helper()
	for line := range strings.Lines(mapsOf(t)) {
		if strings.Contains(line, of) {
			n++
		}
	}
	return n
}

func mapped(t *testing.T, addr uint64) bool {
	t.Helper()
	for line := range strings.Lines(mapsOf(t)) {
		var lo, hi uint64
		if _, err := fmt.Sscanf(line, "%x-%x", &lo, &hi); err == nil && lo <= addr && addr < hi {
			return true
		}
	}
	return false
}

func mapsOf(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
