package kernel

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
)

const page = 1 << pageShift

// TestAcross: a window lies across a page if one begins behind the bypass's first byte, and not
// behind the target's.
func TestAcross(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bypass := 0xffffffffc0000000 - rapid.Uint64Range(0, 70).Draw(t, "before the page")
		target := bypass + rapid.Uint64Range(5, 60).Draw(t, "window")
		want := false
		for at := bypass + 1; at <= target; at++ {
			want = want || at%page == 0
		}
		if got := across(bypass, target); got != want {
			t.Errorf("%#x to %#x: %v, want %v", bypass, target, got, want)
		}
	})
}

// drawImage makes an image of a few functions with sites, somewhere in a packer's space.
func drawImage(t *rapid.T) (img *identity.Image, wanted []bool) {
	img = &identity.Image{}
	addr := uint64(page)
	for f := range rapid.IntRange(1, 3).Draw(t, "functions") {
		size := rapid.IntRange(80, 900).Draw(t, "size")
		img.Funcs = append(img.Funcs, identity.Func{Addr: addr, Size: size})
		for range rapid.IntRange(0, 2).Draw(t, "sites") {
			off := rapid.IntRange(20, size-50).Draw(t, "offset")
			s := identity.Site{Func: f}
			s.Slots[protocol.Bypass].Addr = addr + uint64(off)
			s.Slots[protocol.Target].Addr = addr + uint64(off+rapid.IntRange(9, 40).Draw(t, "window"))
			img.Sites = append(img.Sites, s)
			wanted = append(wanted, rapid.Float64Range(0, 1).Draw(t, "wanted") < 0.8)
		}
		addr += uint64(rapid.IntRange(1000, 9000).Draw(t, "apart"))
	}
	return img, wanted
}

// A packer places functions as a kernel does from 5.18 on.
type packer struct {
	t     *rapid.T
	used  []bool // by step
	chunk map[*piece][]int
	held  int // of programs
}

// A piece is a program in a packer.
type piece struct {
	in     *packer
	closed int
}

func (p *piece) Close() error {
	for _, n := range p.in.chunk[p] {
		p.in.used[n] = false
	}
	p.in.held--
	if p.closed++; p.closed > 1 {
		return errors.New("closed twice")
	}
	return nil
}

// place takes the first room that is free, for each function.
func (k *packer) place(sizes ...int) (placed, error) {
	p := &piece{in: k}
	k.held++
	var at []uint64
	for _, size := range sizes {
		need := int(roundUp(uint64(size+packHead+16), packStep)) / packStep
		free := 0
		for n := range k.used {
			if free++; k.used[n] {
				free = 0
			}
			if free < need {
				continue
			}
			first := n - need + 1
			for n := first; n < first+need; n++ {
				k.used[n] = true
				k.chunk[p] = append(k.chunk[p], n)
			}
			off := 0
			if hole := min(need*packStep-size-packHead, packStep-packHead); hole > 0 {
				off = rapid.IntRange(0, hole-1).Draw(k.t, "random") &^ (packAlign - 1)
			}
			at = append(at, uint64(page+first*packStep+packHead+off))
			break
		}
	}
	if len(at) < len(sizes) {
		return placed{}, errors.New("no room")
	}
	return placed{p, at}, nil
}

// TestPageSearch: where a copy can lie with a window across a page, one is found in a space of any
// holes; all others are let go, once, and not before the end.
func TestPageSearch(t *testing.T) {
	tried, loads := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		img, wanted := drawImage(t)
		pad, least := padToOdds(img, wanted, 0)
		if img = lengthened(img, 0, pad); bestOdds(img, wanted) < 0.2 {
			t.Skip("it cannot lie across a page")
		}
		k := &packer{t: t, used: make([]bool, 4000), chunk: map[*piece][]int{}}
		for n := range rapid.IntRange(0, 100).Draw(t, "others") {
			k.used[n] = rapid.Bool().Draw(t, "other")
		}
		s := &pageSearch{more: func() bool { return true }, fill: func(steps int) (placed, error) { return k.place(steps*packStep - packHead - 16) }}
		if packed, err := s.packed(); !packed || err != nil {
			t.Fatalf("packed: %v, %v", packed, err)
		}
		var sizes []int
		for _, f := range img.Funcs {
			sizes = append(sizes, f.Size)
		}
		found, ok, err := s.find(img, wanted, least, func() (placed, error) { return k.place(sizes...) })
		if !ok || err != nil {
			t.Fatalf("after %d loads: %v, %v", s.loads, ok, err)
		}
		tried, loads = tried+1, loads+s.loads
		if !crosses(img, wanted, found.at) {
			t.Errorf("no window lies across a page at %#x", found.at)
		}
		if k.held != s.loads {
			t.Errorf("%d of %d were held to the end", k.held, s.loads)
		}
		if n, err := s.end(); n != s.loads-1 || err != nil || k.held != 1 {
			t.Errorf("%d let go of %d, %v; %d left", n, s.loads, err, k.held)
		}
	})
	t.Logf("%d searches, %d loads", tried, loads)
	if tried > 0 && loads/tried > 60 {
		t.Errorf("%d loads a search: steps to the right place should spare most of them", loads/tried)
	}
}

// TestPageSearchEnds: a search ends where its time does, at its bound, and where nothing can be
// loaded.
func TestPageSearchEnds(t *testing.T) {
	img := &identity.Image{Funcs: []identity.Func{{Addr: page, Size: 100}}, Sites: make([]identity.Site, 1)}
	img.Sites[0].Slots[protocol.Bypass].Addr, img.Sites[0].Slots[protocol.Target].Addr = page+10, page+30
	full := errors.New("no room")
	for _, tc := range []struct {
		name      string
		loads     int // until the time is over
		room      int // until nothing can be loaded
		want      int
		wantError error
	}{
		{"time", 7, seekLoads, 7, nil},
		{"bound", seekLoads * 2, seekLoads * 2, seekLoads, nil},
		{"room", seekLoads, 5, 5, full},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &pageSearch{}
			s.more = func() bool { return s.loads < tc.loads }
			_, ok, err := s.find(img, []bool{true}, 0, func() (placed, error) {
				if s.loads == tc.room {
					return placed{}, full
				}
				return placed{io.NopCloser(nil), []uint64{page + 100}}, nil
			})
			if ok || err != tc.wantError || s.loads != tc.want {
				t.Errorf("found %v after %d loads, %v; want %d loads, %v", ok, s.loads, err, tc.want, tc.wantError)
			}
		})
	}
}

// TestUnwanted: a site whose key does not change is none that a search looks for.
func TestUnwanted(t *testing.T) {
	img := &identity.Image{Funcs: []identity.Func{{Addr: page, Size: 100}}, Sites: make([]identity.Site, 2)}
	for i, at := range []uint64{page + 20, page + 70} {
		img.Sites[i].Slots[protocol.Bypass].Addr, img.Sites[i].Slots[protocol.Target].Addr = at, at+20
	}
	at := []uint64{2*page - 30} // the first site
	if !crosses(img, []bool{true, false}, at) || crosses(img, []bool{false, true}, at) {
		t.Error("the wrong site lies across a page")
	}
}

// TestNotPacked: functions with pages of their own are told from packed ones.
func TestNotPacked(t *testing.T) {
	at := uint64(0)
	s := &pageSearch{fill: func(int) (placed, error) {
		at += 2 * page
		return placed{io.NopCloser(nil), []uint64{at + at*7%page}}, nil
	}}
	if packed, err := s.packed(); packed || err != nil {
		t.Errorf("packed: %v, %v", packed, err)
	}
}

// TestSeekPages: a run that looks for them has a window across a page in a caller of each kind,
// judges as any other run, and says how many there are. Of the copies that it did not want, none is
// left.
func TestSeekPages(t *testing.T) {
	c := rig(t)
	c.AcrossPages = true
	res := mustRun(t, c)
	if len(res.Findings) > 0 {
		t.Errorf("%+v", res.Findings)
	}
	w := res.Windows
	if w == nil {
		t.Fatal("nothing is said of windows")
	}
	if res.Watch == nil {
		t.Skipf("sites are not known: %s", res.Unwatched)
	}
	if w.Sites != 4 || w.Across < 2 || w.Error != "" {
		t.Errorf("%+v", w)
	}
	if res.Callers != 2 || res.Checked == 0 {
		t.Errorf("%d callers, %d checked", res.Callers, res.Checked)
	}
}

// TestSeekIsOver: with no time left callers stay as they are, and the run says so.
func TestSeekIsOver(t *testing.T) {
	c := rig(t).withDefaults()
	c.AcrossPages = true
	l, err := open(&c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	before := slices.Clone(l.callers)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.seekPages(ctx, &c); err != nil {
		t.Fatal(err)
	}
	for i := range before {
		if l.callers[i].Program != before[i].Program {
			t.Errorf("caller %d is another one", i)
		}
	}
	r := &run{Config: c, loaded: l}
	if l.compiler != nil && r.countWindows().Sites != 4 {
		t.Errorf("%+v", r.countWindows())
	}
	if r.AcrossPages = false; r.countWindows() != nil {
		t.Errorf("elsewhere: %+v", r.countWindows())
	}
}
