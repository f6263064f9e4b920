package patcher

import (
	"errors"
	"fmt"
	"maps"
	"slices"

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
	// after, the hardest place to patch: by turns the slots of a site, the last one first.
	PlaceStraddling
)

const (
	anyShift   = pageSize
	lineSize   = 64
	straddleAt = 62 // of a slot in its cache line
)

// Load places an image, tracks its descriptors and fixes them up. Updates may come in
// at any time.
func (p *Patcher) Load(name string, img *Image, where Placement) (*Program, error) {
	prog := &Program{Name: name, Image: img}
	if err := img.check(); err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
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
		d.array.track(d)
	}
	for _, d := range pokes {
		if err := d.array.fixup(d); err != nil {
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
	p.data.Store8(p.structOff(prog)+int(p.cfg.Offsets.Func), p.Addr(prog))
	return nil
}

// write writes a program to its place.
func (p *Patcher) write(prog *Program) error {
	if len(prog.Image.Refs) > 0 {
		if err := p.placeStubs(); err != nil {
			return err
		}
	}
	code, err := prog.Image.link(p.Addr(prog), func(symbol string) uint64 { return p.stubs[symbol] })
	if err == nil {
		p.arena.Write(prog.off, code)
	}
	return err
}

// placeStubs puts all stubs into the arena, where every image reaches them.
func (p *Patcher) placeStubs() error {
	if p.stubs != nil {
		return nil
	}
	size := 0
	for _, code := range p.cfg.Stubs {
		size += len(code)
	}
	off, err := p.space.alloc(size)
	if err != nil {
		return err
	}
	p.stubs = map[string]uint64{}
	for _, symbol := range slices.Sorted(maps.Keys(p.cfg.Stubs)) {
		code := p.cfg.Stubs[symbol]
		p.arena.Write(off, code)
		p.stubs[symbol] = p.arena.Addr(off)
		off += exec.Off(len(code))
	}
	return nil
}

func (p *Patcher) structOff(prog *Program) int { return prog.desc * progStructSize }

// shift returns how far from the beginning of a page the image is to lie.
func (p *Patcher) shift(img *Image, where Placement) (int, error) {
	var slots []Off
	for _, s := range img.Sites {
		for _, slot := range slices.Backward(s.Slots[:]) {
			slots = append(slots, slot.Off)
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
		d.array.untrack(d)
	}
}

// fixup brings a site that has just been tracked to what its key holds, by the pokes
// of an install, and makes it stable.
func (a *ProgArray) fixup(d *pokeDescriptor) error {
	a.pokeMutex.Lock()
	defer a.pokeMutex.Unlock()
	if prog := a.held[d.site.Key]; prog != nil {
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
