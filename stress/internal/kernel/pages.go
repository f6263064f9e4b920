package kernel

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// An emulator that translates machine code takes interrupts between its blocks alone. A block goes
// on over an open bypass, the unwind and the target: no thread is ever stopped in the window
// between bypass and target, so a run could not see state A. But a block ends at a page: before the
// instruction that begins there or reaches over, and behind one that reaches over and is a block of
// its own. So a thread can be stopped in the window of a site whose slots begin on two pages:
//
//	page n              |  page n+1
//	[ bypass ]   unwind | unwind   [ target ]
//	                    ^
//
// Some copies of a caller lie like that. pagesearch.go loads copies until it has them.

// pageShift is of the size of a page.
const pageShift = 12

// across reports whether what begins at two addresses begins on two pages.
func across(bypass, target uint64) bool { return bypass>>pageShift != target>>pageShift }

// crosses reports whether the window of some site that is wanted lies across a page, if the image's
// functions lie at these addresses.
func crosses(img *identity.Image, wanted []bool, at []uint64) bool {
	for i, s := range img.Sites {
		by := at[s.Func] - img.Funcs[s.Func].Addr
		if wanted[i] && across(s.Slots[protocol.Bypass].Addr+by, s.Slots[protocol.Target].Addr+by) {
			return true
		}
	}
	return false
}

// wantedOf says which sites of a caller have keys that change.
func (l *loaded) wantedOf(c caller, keys []protocol.Key) []bool {
	out := make([]bool, len(c.img.Sites))
	for i, k := range l.keysOf(c, keys) {
		out[i] = k != live.None
	}
	return out
}

// keysOf is the key of each of a caller's sites, among those that change, or live.None.
func (l *loaded) keysOf(c caller, all []protocol.Key) []int {
	keys := make([]int, len(c.img.Sites))
	for i, s := range c.img.Sites {
		keys[i] = live.None
		for k, at := range all {
			if l.ids[at.Map] == s.Map && at.Index == int(s.Key) {
				keys[i] = k
			}
		}
	}
	return keys
}

// imageOf finds the sites of a copy of the entry, if need be by experiment. All keys are empty.
func (l *loaded) imageOf(p *ebpf.Program, checks bool, keys []protocol.Key) (*identity.Image, error) {
	img, err := l.compiled(p)
	if err == nil {
		return img, nil
	}
	if known := l.tried[checks]; known != nil {
		if img, err := moved(known, p); err == nil {
			return img, nil
		}
	}
	x, err2 := try(p, keys, l.arrays, l.pinned[0].Program, func() bool { return true })
	if err2 == nil && x.adjOff != 0 && l.adjOff != 0 && x.adjOff != l.adjOff {
		err2 = fmt.Errorf("its sites enter programs at +%d, and not at +%d", x.adjOff, l.adjOff)
	}
	if err2 != nil {
		return nil, fmt.Errorf("%s; by experiment: %w", firstLine(err.Error()), err2)
	}
	if l.adjOff == 0 {
		l.adjOff = x.adjOff
	}
	if l.tried == nil {
		l.tried = map[bool]*identity.Image{}
	}
	l.tried[checks] = x.img
	return x.img, nil
}

// compiled finds the sites where our image is the kernel's.
func (l *loaded) compiled(p *ebpf.Program) (*identity.Image, error) {
	if l.compiler == nil {
		return nil, errors.New("images of this kernel are not known")
	}
	return l.compiler.Image("image", p, slices.Collect(maps.Values(l.maps.Maps))...)
}

// countWindows counts sites by where their windows lie; nil where that does not matter.
func (r *run) countWindows() *report.Windows {
	if !r.AcrossPages {
		return nil
	}
	w := &report.Windows{Loads: r.sought.loads, Error: r.sought.ended}
	for _, c := range r.callers {
		for i, wanted := range r.wantedOf(c, r.Keys) {
			if !wanted {
				continue
			}
			w.Sites++
			if slots := &c.img.Sites[i].Slots; across(slots[protocol.Bypass].Addr, slots[protocol.Target].Addr) {
				w.Across++
			}
		}
	}
	return w
}
