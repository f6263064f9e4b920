package sim

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
)

// Where things lie. Every thread has its stack and its context at the same addresses: they
// are its own.
const (
	textAt  = 0x4000_0000
	dataAt  = 0x7000_0000_0000 // arrays, and structs of programs
	stackAt = 0x7200_0000_0000
	ctxAt   = 0x7300_0000_0000

	pageSize  = 0x1000
	stackSize = 64 << 10
	stackTop  = stackAt + stackSize

	// returnAt is where the entry returns to.
	returnAt = 0x1234_5670

	stackJunk = 0xd5
)

// text is a loaded image.
type text struct {
	name     string
	img      *jit.Image
	at       uint64
	insns    []insn  // by offset; size 0 where none begins
	slots    []int16 // by offset: the index of the slot there plus 1
	freeable bool
	// structAt is where the program's struct is, which prog arrays point to.
	structAt uint64
}

func (t *text) landing() uint64 { return t.at + uint64(t.img.AdjOff) }

// slot is a patched place of the system.
type slot struct {
	text  int
	at    uint64
	which protocol.Slot
	site  int
	jump  content          // of a bypass: over the site
	whole map[content]bool // every whole instruction that it may hold
}

// site is a direct site of a key that changes.
type site struct {
	text  int
	key   int
	slots [protocol.Slots]int // indexes in system.slots
}

// load compiles and places every image.
func (s *system) load(c *Config) error {
	infos := map[string]jit.MapInfo{}
	names := slices.Sorted(maps.Keys(c.Maps))
	for _, name := range names {
		infos[name] = s.addArray(c.Layout, c.Maps[name])
	}
	for _, k := range c.Keys {
		s.arrayKeys = append(s.arrayKeys, pointerOf{slices.Index(names, k.Map), k.Index})
	}
	add := func(p *jit.Program, name string) error {
		for _, m := range p.Maps() {
			if _, ok := infos[m]; !ok {
				return &UnsupportedError{fmt.Sprintf("%s uses %s, which is no prog array", name, m)}
			}
		}
		img, err := jit.Compile(p, jit.Options{Layout: c.Layout, Maps: infos})
		if err == nil {
			err = s.place(c, img, name)
		}
		if err != nil {
			return fmt.Errorf("machine: %s: %w", name, err)
		}
		return nil
	}
	if err := add(c.Entry, c.Entry.Name); err != nil {
		return err
	}
	s.copies = make([][]int, len(c.Programs))
	for i, p := range c.Programs {
		if p == c.Entry {
			s.copies[i] = []int{0}
			continue
		}
		for n := range c.puts(i) {
			name := p.Name
			if n > 0 {
				name = fmt.Sprintf("%s.%d", p.Name, n+1)
			}
			s.copies[i] = append(s.copies[i], len(s.texts))
			if err := add(p, name); err != nil {
				return err
			}
		}
	}
	if len(s.texts) > MaxTexts {
		return fmt.Errorf("machine: %d images, copies included: at most %d; give a shorter script", len(s.texts), MaxTexts)
	}
	s.addWholes()
	return nil
}

func (s *system) addArray(l *jit.Layout, keys int) jit.MapInfo {
	r := region{bytes: make([]byte, int(l.ArrayPtrs)+8*keys), array: len(s.data.regions)}
	r.at = s.structAt(len(r.bytes))
	r.pointers = r.at + uint64(l.ArrayPtrs)
	binary.LittleEndian.PutUint32(r.bytes[l.ArrayMaxEntries:], uint32(keys))
	s.data.regions = append(s.data.regions, r)
	return jit.MapInfo{Addr: r.at, MaxEntries: uint32(keys)}
}

// structAt finds the place of a struct.
func (s *system) structAt(size int) uint64 {
	at := s.nextData
	s.nextData += uint64(size+63) &^ 63
	return at
}

// place gives an image its address and finds its slots.
func (s *system) place(c *Config, img *jit.Image, name string) error {
	for _, r := range img.Refs {
		if r.Kind == jit.RefHelper {
			return &UnsupportedError{name + " calls helpers, and there are none here"}
		}
	}
	at := s.nextText
	shift, err := s.shift(c, img)
	if err != nil {
		return err
	}
	t := &text{
		name: name, img: img, at: at + shift, freeable: len(s.texts) > 0,
		insns: make([]insn, len(img.Code)), slots: make([]int16, len(img.Code)),
		structAt: s.structAt(int(img.Layout.ProgFunc) + 8),
	}
	s.nextText = (t.at + uint64(len(img.Code)) + 2*pageSize) &^ (pageSize - 1)
	for _, off := range img.Starts {
		i := decode(img.Code[off:])
		if i.op == opInvalid {
			return &UnsupportedError{fmt.Sprintf("%s+%#x: no instruction is known that begins with % x", name, off, img.Code[off:min(int(off)+8, len(img.Code))])}
		}
		t.insns[off] = i
	}
	s.texts = append(s.texts, t)
	s.addSlots(c, t)
	prog := region{at: t.structAt, bytes: make([]byte, int(img.Layout.ProgFunc)+8)}
	binary.LittleEndian.PutUint64(prog.bytes[img.Layout.ProgFunc:], t.at)
	s.data.regions = append(s.data.regions, prog)
	return nil
}

// shift is how far behind the start of a page the image lies.
func (s *system) shift(c *Config, img *jit.Image) (uint64, error) {
	offs := slotOffsets(img)
	if len(offs) == 0 || !c.Straddle && !c.Subject.Method.Aligned() {
		return 0, nil
	}
	for shift := range uint64(8) {
		fitting := 0
		for _, off := range offs {
			if fitsWord(shift + uint64(off)) {
				fitting++
			}
		}
		if c.Straddle && fitting < len(offs) || !c.Straddle && fitting == len(offs) {
			return shift, nil
		}
	}
	return 0, &UnsupportedError{fmt.Sprintf("no place of the image has all %d slots in aligned 8-byte words", len(offs))}
}

// slotOffsets lists the slots of an image.
func slotOffsets(img *jit.Image) []jit.Off {
	var out []jit.Off
	for _, site := range img.Sites {
		for _, slot := range site.Slots() {
			out = append(out, slot.Off)
		}
	}
	return out
}

// fitsWord says whether a slot lies in one aligned 8-byte word.
func fitsWord(at uint64) bool { return at%8 <= 8-jit.SlotSize }

// addSlots finds the sites whose keys change. Others are instructions like all.
func (s *system) addSlots(c *Config, t *text) {
	for i := range t.img.Sites {
		from := &t.img.Sites[i]
		key := slices.Index(c.Keys, protocol.Key{Map: from.Map, Index: int(from.Key)})
		if !from.Direct || key < 0 {
			continue
		}
		x := site{text: len(s.texts) - 1, key: key}
		for which, patched := range from.Slots() {
			x.slots[which] = len(s.slots)
			at := t.at + uint64(patched.Off)
			s.slots = append(s.slots, slot{
				text: x.text, at: at, which: protocol.Slot(which), site: len(s.sites),
				jump: jumpTo(at, t.at+uint64(patched.Out)),
			})
			t.slots[patched.Off] = int16(len(s.slots))
		}
		s.sites = append(s.sites, x)
	}
}

// addWholes lists what each slot may hold.
func (s *system) addWholes() {
	for i := range s.slots {
		x := &s.slots[i]
		x.whole = map[content]bool{nop5: true}
		if x.which == protocol.Bypass {
			x.whole[x.jump] = true
			continue
		}
		for _, t := range s.texts {
			x.whole[jumpTo(x.at, t.landing())] = true
		}
	}
}

// textAt finds the image that an address lies in; -1 if none.
func (s *system) textAt(at uint64) int {
	for i, t := range s.texts {
		if at >= t.at && at-t.at < uint64(len(t.insns)) {
			return i
		}
	}
	return -1
}

// UnsupportedError says why a subject cannot be judged here.
type UnsupportedError struct{ Reason string }

// Error gives the reason.
func (e *UnsupportedError) Error() string { return e.Reason }
