package sim

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"tailpoke/internal/source"
	"tailpoke/jit"
	"tailpoke/stress/internal/sim/x86"
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
)

// text is a loaded image.
type text struct {
	name     string
	img      *jit.Image
	at       uint64
	insns    []x86.Insn // by offset; not valid where none begins
	slots    []int16    // by offset: the index of the slot there plus 1
	freeable bool
	// structAt is where the program's struct is, which prog arrays point to.
	structAt uint64
}

// line is the source line of the code at an offset.
func (t *text) line(off int) source.Line { return t.img.Line(jit.Off(off)) }

func (t *text) landing() uint64 { return t.at + uint64(t.img.AdjOff) }

// load compiles and places every image.
func (s *system) load() error {
	infos := map[string]jit.MapInfo{}
	names := slices.Sorted(maps.Keys(s.Maps))
	for _, name := range names {
		if s.Maps[name] > MaxEntries {
			return unsupportedf("prog array %q has %d keys: at most %d", name, s.Maps[name], MaxEntries)
		}
		infos[name] = s.data.addArray(s.Layout, s.Maps[name])
	}
	for _, k := range s.Keys {
		s.arrayKeys = append(s.arrayKeys, pointerOf{slices.Index(names, k.Map), k.Index})
	}
	var loads []Load
	if err := s.addData(infos); err != nil {
		return err
	}
	loads, s.copies = s.Loads()
	images := map[*jit.Program]*jit.Image{} // copies have the same code
	for _, l := range loads {
		img, err := images[l.Program], error(nil)
		if img == nil {
			img, err = s.compile(l.Program, infos)
			images[l.Program] = img
		}
		if err == nil {
			err = s.place(img, l.Name)
		}
		if err != nil {
			return fmt.Errorf("machine: %s: %w", l.Name, err)
		}
	}
	if len(s.texts) > MaxTexts {
		return unsupportedf("%d images, copies included: at most %d; give a shorter script",
			len(s.texts), MaxTexts)
	}
	s.addWholes()
	return nil
}

// compile makes the image of a program that needs nothing which is not here.
func (c *Config) compile(p *jit.Program, arrays map[string]jit.MapInfo) (*jit.Image, error) {
	for _, m := range p.Maps() {
		if info, ok := arrays[m]; !ok || info.Values == 0 && p.NamesValue(m) {
			return nil, unsupportedf("%s uses %s, of which nothing is said", p.Name, m)
		}
	}
	image := c.Compile
	if image == nil {
		image = func(p *jit.Program, l *jit.Layout, arrays map[string]jit.MapInfo) (*jit.Image, error) {
			return jit.Compile(p, jit.Options{Layout: l, Maps: arrays})
		}
	}
	return image(p, c.Layout, arrays)
}

// place gives an image its address and finds its slots.
func (s *system) place(img *jit.Image, name string) error {
	at := s.nextText
	shift, err := s.shift(img)
	if err != nil {
		return err
	}
	t := &text{
		name: name, img: img, at: at + shift, freeable: len(s.texts) > 0,
		insns: make([]x86.Insn, len(img.Code)), slots: make([]int16, len(img.Code)),
		structAt: s.data.place(int(img.Layout.ProgFunc) + 8),
	}
	s.nextText = (t.at + uint64(len(img.Code)) + 2*pageSize) &^ (pageSize - 1)
	for _, off := range img.Starts {
		i := x86.Decode(img.Code[off:])
		if !i.Valid() {
			return unsupportedf("%s: no instruction is known that begins with % x",
				t.line(int(off)).Behind(fmt.Sprintf("%s+%#x", name, off)), img.Code[off:min(int(off)+8, len(img.Code))])
		}
		t.insns[off] = i
	}
	if err := t.stub(); err != nil {
		return err
	}
	s.texts = append(s.texts, t)
	s.data.addProgram(t.structAt, uint64(img.Layout.ProgFunc), t.at)
	return s.addSlots(t)
}

// shift is how far after the start of a page the image lies.
func (s *system) shift(img *jit.Image) (uint64, error) {
	var slots []jit.Slot
	for i := range img.Sites {
		slots = append(slots, img.Sites[i].Slots()...)
	}
	if len(slots) == 0 || !s.Straddle && !s.Subject.Method.Aligned() {
		return 0, nil
	}
	for shift := range uint64(8) {
		fitting := 0
		for _, at := range slots {
			if fitsWord(shift+uint64(at.Off), jit.SlotSize) {
				fitting++
			}
		}
		if s.Straddle && fitting < len(slots) || !s.Straddle && fitting == len(slots) {
			return shift, nil
		}
	}
	return 0, unsupportedf("no place of the image has all %d slots in aligned 8-byte words",
		len(slots))
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

func unsupportedf(format string, args ...any) error {
	return &UnsupportedError{fmt.Sprintf(format, args...)}
}

// data is what programs read beside their own memory: the structs of prog arrays, and those of
// programs, which say where a program's text is. A program writes none of it.
type data struct {
	structs []record
	next    uint64 // address of the next struct
}

// record is one struct. In that of a prog array the words from pointers on change; the bytes
// there are not used.
type record struct {
	x86.Region
	pointers uint64 // address of the first pointer; 0 in the struct of a program
	array    int
}

// place finds the place of a struct.
func (d *data) place(size int) uint64 {
	at := d.next
	d.next += uint64(size+63) &^ 63
	return at
}

// addArray adds the struct of a prog array.
func (d *data) addArray(l *jit.Layout, keys int) jit.MapInfo {
	r := record{array: len(d.structs)}
	r.Bytes = make([]byte, int(l.ArrayPtrs)+8*keys)
	r.At = d.place(len(r.Bytes))
	r.pointers = r.At + uint64(l.ArrayPtrs)
	binary.LittleEndian.PutUint32(r.Bytes[l.ArrayMaxEntries:], uint32(keys))
	d.structs = append(d.structs, r)
	return jit.MapInfo{Addr: r.At, MaxEntries: uint32(keys)}
}

// addProgram adds the struct of a program, whose last word says where its text is.
func (d *data) addProgram(at, function, text uint64) {
	r := record{Region: x86.Region{At: at, Bytes: make([]byte, function+8)}}
	x86.Put(r.Bytes[function:], text)
	d.structs = append(d.structs, r)
}

// word reads n bytes that never change.
func (d *data) word(at uint64, n uint8) (v uint64, ok bool) {
	for i := range d.structs {
		r := &d.structs[i]
		if b := r.Within(at, n); b != nil && (r.pointers == 0 || at+uint64(n) <= r.pointers) {
			return x86.Word(b), true
		}
	}
	return 0, false
}

// pointerOf is a word of a prog array that the mutator writes.
type pointerOf struct{ array, index int }

// pointerAt finds the pointer that a load of n bytes reads.
func (d *data) pointerAt(at uint64, n uint8) (pointerOf, bool) {
	for i := range d.structs {
		r := &d.structs[i]
		if r.pointers == 0 || r.Within(at, n) == nil || at < r.pointers || n != 8 || at%8 != 0 {
			continue
		}
		return pointerOf{r.array, int(at-r.pointers) / 8}, true
	}
	return pointerOf{}, false
}
