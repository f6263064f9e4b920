package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
)

// Where the kernel's image of a program is not ours, its sites are found by experiment: a key is given a
// program, and what changes in the image is a slot.
//
//	empty    e9 bypass ... 0f 1f 44 00 00 target
//	holds    0f 1f 44 00 00 bypass ... e9 target
//
// That shows the slots which the kernel pokes, and not one that it forgets. So it is the second choice.

// slotNops are what may stand in a slot in the place of a jump.
var slotNops = []slotBytes{usualNop, {0x66, 0x66, 0x66, 0x66, 0x90}}

// A text is the machine code of a loaded program.
type text struct {
	code  []byte
	funcs []identity.Func
}

// textOf reads it.
func textOf(p *ebpf.Program) (*text, error) {
	info, err := p.Info()
	if err != nil {
		return nil, err
	}
	code, ok := info.JitedInsns()
	addrs, ok2 := info.JitedKsymAddrs()
	lens, ok3 := info.JitedFuncLens()
	if !ok || !ok2 || !ok3 || len(addrs) != len(lens) {
		return nil, errWatchHidden
	}
	t := &text{code: code}
	for i, n := range lens {
		t.funcs = append(t.funcs, identity.Func{Addr: uint64(addrs[i]), Size: int(n)})
	}
	return t, nil
}

// at is the function that a byte lies in, and its address.
func (t *text) at(off int) (fn int, addr uint64) {
	for start := 0; fn < len(t.funcs); fn++ {
		if off < start+t.funcs[fn].Size {
			return fn, t.funcs[fn].Addr + uint64(off-start)
		}
		start += t.funcs[fn].Size
	}
	return fn, 0
}

// jump is where the jump in a slot leads.
func (t *text) jump(off int) uint64 {
	_, addr := t.at(off)
	return addr + uint64(len(slotBytes{})) + uint64(int64(int32(binary.LittleEndian.Uint32(t.code[off+1:]))))
}

// slotsOf finds the slots in which two texts of a program differ, which held nothing in the first one
// and a program in the second; landing is where their jumps lead then. The error says that something
// else differs.
func slotsOf(empty, holds *text) (sites []identity.Site, landing uint64, err error) {
	var bypass []int // of a site whose target is still to come
	const size = len(slotBytes{})
	for off := 0; off < len(empty.code); off++ {
		if empty.code[off] == holds.code[off] {
			continue
		}
		if off+size > len(empty.code) {
			return nil, 0, fmt.Errorf("the byte at +%#x changes, which is in no slot", off)
		}
		was, is := slotBytes(empty.code[off:]), slotBytes(holds.code[off:])
		switch {
		case was[0] == opJump && slices.Contains(slotNops, is) && len(bypass) == 0:
			bypass = append(bypass, off)
		case is[0] == opJump && slices.Contains(slotNops, was) && len(bypass) == 1:
			site, err := siteOf(empty, bypass[0], off, was)
			if err != nil {
				return nil, 0, err
			}
			to := holds.jump(off)
			if landing != 0 && to != landing {
				return nil, 0, fmt.Errorf("sites of one key jump to %#x and to %#x", landing, to)
			}
			sites, bypass, landing = append(sites, site), nil, to
		default:
			return nil, 0, fmt.Errorf("at +%#x % x becomes % x, which is no slot of a site with two", off, was, is)
		}
		off += size - 1
	}
	if len(bypass) > 0 {
		return nil, 0, fmt.Errorf("the bypass at +%#x has no target", bypass[0])
	}
	return sites, landing, nil
}

// siteOf is a site with its slots at these places.
func siteOf(t *text, bypass, target int, nop slotBytes) (identity.Site, error) {
	fn, addr := t.at(bypass)
	fn2, addr2 := t.at(target)
	out := t.jump(bypass)
	if fn != fn2 || out != addr2+uint64(len(nop)) {
		return identity.Site{}, fmt.Errorf("the bypass at +%#x jumps to %#x, and not after the target at %#x", bypass, out, addr2)
	}
	s := identity.Site{Func: fn}
	s.Slots[protocol.Bypass] = identity.Slot{Off: bypass, Addr: addr, Out: out, Nop: nop}
	s.Slots[protocol.Target] = identity.Slot{Off: target, Addr: addr2, Nop: nop}
	return s, nil
}

// An experiment finds the keys that have sites: it gives each a program, and sees what changes in an image.
type experiment struct {
	img     *identity.Image
	adjOff  uint64         // from where a program begins to where tail calls enter it
	keys    []protocol.Key // with sites, in the order of these
	refused error          // of the last key that did not take the program
}

// try gives keys a program, one after the other, and looks at the image of a loaded caller each time.
// All keys are empty before and after.
func try(p *ebpf.Program, keys []protocol.Key, arrays map[string]*ebpf.Map, given *ebpf.Program, more func() bool) (*experiment, error) {
	empty, err := textOf(p)
	if err != nil {
		return nil, err
	}
	begin, err := identity.Functions(given)
	if err != nil {
		return nil, err
	}
	x := &experiment{img: &identity.Image{Size: len(empty.code), Funcs: empty.funcs}}
	sited := map[int]protocol.Key{} // by bypass
	for _, k := range keys {
		if !more() {
			break
		}
		m := arrays[k.Map]
		if err := m.Put(uint32(k.Index), given); err != nil {
			x.refused = err
			continue
		}
		holds, err := textOf(p)
		if err = errors.Join(err, m.Delete(uint32(k.Index))); err != nil {
			return nil, err
		}
		sites, landing, err := slotsOf(empty, holds)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", k.Map, k.Index, err)
		}
		info, err := m.Info()
		if err != nil {
			return nil, err
		}
		for _, s := range sites {
			s.Map, _ = info.ID()
			s.Key = uint32(k.Index)
			x.img.Sites = append(x.img.Sites, s)
			sited[s.Slots[protocol.Bypass].Off] = k
			x.adjOff = landing - begin[0]
		}
	}
	after, err := textOf(p)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(after.code, empty.code) {
		return nil, errors.New("an image is not what it was when its keys are empty again")
	}
	slices.SortFunc(x.img.Sites, func(a, b identity.Site) int {
		return a.Slots[protocol.Bypass].Off - b.Slots[protocol.Bypass].Off
	})
	for _, s := range x.img.Sites {
		if k := sited[s.Slots[protocol.Bypass].Off]; !slices.Contains(x.keys, k) {
			x.keys = append(x.keys, k)
		}
	}
	return x, nil
}

// moved is where the sites of an image lie in another copy of the program, whose keys are empty.
func moved(img *identity.Image, p *ebpf.Program) (*identity.Image, error) {
	t, err := textOf(p)
	if err != nil {
		return nil, err
	}
	out := &identity.Image{Size: len(t.code), Funcs: t.funcs}
	same := func(a, b identity.Func) bool { return a.Size == b.Size }
	if !slices.EqualFunc(img.Funcs, t.funcs, same) {
		return nil, errors.New("another copy's image is of another size")
	}
	for _, s := range img.Sites {
		bypass, target := s.Slots[protocol.Bypass].Off, s.Slots[protocol.Target].Off
		if t.code[bypass] != opJump || slotBytes(t.code[target:]) != s.Slots[protocol.Target].Nop {
			return nil, errors.New("another copy's image has its sites elsewhere")
		}
		at, err := siteOf(t, bypass, target, s.Slots[protocol.Target].Nop)
		if err != nil {
			return nil, err
		}
		at.Map, at.Key = s.Map, s.Key
		out.Sites = append(out.Sites, at)
	}
	return out, nil
}
