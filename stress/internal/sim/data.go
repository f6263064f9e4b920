package sim

import (
	"encoding/binary"

	"tailpoke/jit"
	"tailpoke/stress/internal/sim/x86"
)

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
