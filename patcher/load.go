package patcher

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
)

// Placement says where an image may lie, in bytes modulo 64.
type Placement int

// The placements.
const (
	// PlaceAny puts the image anywhere, so that jumps to two of them differ in the lowest
	// byte of their distance too, and all of the instruction cache holds images.
	PlaceAny Placement = iota
	// PlaceAligned puts every slot into an aligned 8-byte word, where one store can
	// replace it; there may be no such place.
	PlaceAligned
	// PlaceStraddling puts a slot across a cache line, two bytes before it and three
	// behind, the hardest place to patch: by turns the target and the bypass of a site.
	PlaceStraddling
)

const (
	anyShift   = pageSize
	lineSize   = 64
	straddleAt = 62 // of a slot in its cache line
)

// Compile makes the image of a program with this patcher's layout, arrays and other maps.
func (p *Patcher) Compile(prog *jit.Program) (*jit.Image, error) {
	infos := map[string]jit.MapInfo{}
	maps.Copy(infos, p.cfg.Maps)
	for name, a := range p.arrays {
		infos[name] = jit.MapInfo{Addr: a.addr, MaxEntries: uint32(len(a.held))}
	}
	return jit.Compile(prog, jit.Options{Layout: p.cfg.Layout, Maps: infos})
}

// Load places an image, tracks its descriptors and fixes them up. Updates may come in
// at any time.
func (p *Patcher) Load(name string, img *jit.Image, where Placement) (*Program, error) {
	prog := &Program{Name: name, Image: img}
	if err := p.place(prog, where); err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	pokes, err := p.descriptors(prog)
	if err != nil {
		p.free(prog)
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	prog.pokes = pokes
	for _, d := range pokes {
		d.Array.track(d)
	}
	for _, d := range pokes {
		if err := d.Array.fixup(d); err != nil {
			return nil, fmt.Errorf("load %s: %w", name, errors.Join(err, p.Unload(prog)))
		}
	}
	return prog, nil
}

func (p *Patcher) place(prog *Program, where Placement) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	shift, err := p.shift(prog.Image, where)
	if err != nil {
		return err
	}
	if prog.desc, err = p.allocStruct(); err != nil {
		return err
	}
	prog.size = shift + len(prog.Image.Code)
	if prog.page, err = p.space.alloc(prog.size); err != nil {
		p.structs[prog.desc] = false
		return err
	}
	prog.off = prog.page + exec.Off(shift)
	if err := p.write(prog); err != nil {
		p.structs[prog.desc] = false
		p.space.release(prog.page, prog.size)
		return err
	}
	if !p.cfg.Domain.Idle() {
		exec.SyncCore() // the space may have been executed before
	}
	p.data.Store8(p.structOff(prog)+int(p.cfg.Layout.ProgFunc), p.Addr(prog))
	return nil
}

// write writes a program to its place.
func (p *Patcher) write(prog *Program) error {
	if slices.ContainsFunc(prog.Image.Refs, func(r jit.Ref) bool { return r.Kind == jit.RefHelper }) {
		if err := p.placeStubs(); err != nil {
			return err
		}
	}
	code, err := prog.Image.Link(p.Addr(prog), func(h jit.Helper) uint64 { return p.stubs[h] })
	if err == nil {
		p.arena.Write(prog.off, code)
	}
	return err
}

func (p *Patcher) structOff(prog *Program) int { return prog.desc * progStructSize }

// shift returns how far behind the beginning of a page the image is to lie.
func (p *Patcher) shift(img *jit.Image, where Placement) (int, error) {
	var slots []jit.Off // by turns target and bypass
	for _, s := range img.Sites {
		if s.Direct {
			slots = append(slots, s.TailcallTarget, s.TailcallBypass)
		}
	}
	switch {
	case where == PlaceAny || len(slots) == 0:
		return p.space.rng.IntN(anyShift), nil
	case where == PlaceStraddling:
		slot := slots[p.straddled%len(slots)]
		p.straddled++
		return (straddleAt - int(slot)%lineSize + lineSize) % lineSize, nil
	}
	for shift := range 8 {
		fits := true
		for _, s := range slots {
			fits = fits && text.FitsWord(exec.Off(s)+exec.Off(shift))
		}
		if fits {
			return shift, nil
		}
	}
	return 0, &PlacementError{len(slots)}
}

// PlacementError says that no place of an image has all slots in aligned words.
type PlacementError struct{ Slots int }

// Error says how many slots there are.
func (e *PlacementError) Error() string {
	return fmt.Sprintf("no place of the image has all %d slots in aligned 8-byte words", e.Slots)
}

// Unload waits for a grace period and frees a program that no key holds. The caller has
// seen to it that no thread enters it any more.
func (p *Patcher) Unload(prog *Program) error {
	if !prog.refs.CompareAndSwap(0, dead) {
		return fmt.Errorf("unload %s: it is held by a key, or gone", prog.Name)
	}
	if err := p.cfg.Domain.Synchronize(); err != nil {
		return err
	}
	p.free(prog)
	return nil
}

// untrack takes a program's descriptors off their arrays' lists.
func (p *Patcher) untrack(prog *Program) {
	for _, d := range prog.pokes {
		d.Array.untrack(d)
	}
}

// fixup brings a site that has just been tracked to what its key holds, by the pokes
// of an install, and makes it stable.
func (a *ProgArray) fixup(d *PokeDescriptor) error {
	a.pokeMutex.Lock()
	defer a.pokeMutex.Unlock()
	if prog := a.held[d.Key]; prog != nil {
		for _, act := range a.actions(protocol.Install, 1) {
			if act.Kind != protocol.Poke {
				continue
			}
			if _, err := a.p.poke(d, act, prog); err != nil {
				return err
			}
		}
	}
	d.stable.Store(true)
	return nil
}
