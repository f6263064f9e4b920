//go:build linux && amd64

package native

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cilium/ebpf/asm"
	"pgregory.net/rapid"

	"tailpoke/jit/host"
)

// A family is programs that tail call one another, the maps that they share, and runs of them
// one after another.
type family struct {
	skb      bool               // contexts have a packet
	fuel     uint64             // how many programs a run may enter; 0: all do, however many
	programs []asm.Instructions // see name
	contents map[string][]host.Pair
	held     []change // what keys of prog arrays hold at first
	runs     []run
}

// A slot is a key of a prog array.
type slot struct {
	array string
	key   uint32
}

// A change gives a slot a program, "" for none.
type change struct {
	slot
	program string
}

// A run runs one program, once a few slots were changed and one program was loaded anew.
type run struct {
	changes []change
	reload  string // "": none
	entry   string
	ctx     []byte
	packet  []byte
}

const (
	bssSize    = 48
	packetSize = 96 // at most, in bytes
	seenSize   = 8 + host.SkbSize
)

// progArrays are the prog arrays with their numbers of keys. Programs use a few more.
var progArrays = map[string]int{"progs": 5, "few": 2}

// mapSpecs are the other maps. Programs use a few keys more than there are.
var mapSpecs = map[string]host.MapSpec{
	"array":  {Kind: host.Array, KeySize: 4, ValueSize: 8, MaxEntries: 4},
	"percpu": {Kind: host.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 4},
	"odd":    {Kind: host.Array, KeySize: 4, ValueSize: 20, MaxEntries: 3}, // its stride is no power of two
	"hash":   {Kind: host.Hash, KeySize: 8, ValueSize: 12, MaxEntries: 3},
	".bss":   {Kind: host.Array, KeySize: 4, ValueSize: bssSize, MaxEntries: 1},
	"fuel":   {Kind: host.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1},
	"seen":   {Kind: host.Array, KeySize: 4, ValueSize: seenSize, MaxEntries: 1},
	"packet": {Kind: host.Array, KeySize: 4, ValueSize: packetSize, MaxEntries: 1},
}

// maps are the maps with what they contain in the beginning.
func (f *family) maps() map[string]host.MapSpec {
	var texts []byte
	for _, format := range formats {
		texts = append(texts, append([]byte(format.text), make([]byte, formatSize-len(format.text))...)...)
	}
	out := map[string]host.MapSpec{".rodata": {
		Kind: host.Array, KeySize: 4, ValueSize: len(texts), MaxEntries: 1,
		Contents: []host.Pair{{Key: make([]byte, 4), Value: texts}},
	}}
	for name, s := range mapSpecs {
		s.Contents = f.contents[name]
		out[name] = s
	}
	return out
}

// name is the name of a program; after the last comes the one that reads the packet.
func (f *family) name(i int) string {
	if i == len(f.programs) {
		return "reader"
	}
	return fmt.Sprintf("p%d", i)
}

func drawFamily(t *rapid.T) *family {
	n := func(below int) int { return drawN(t, below) }
	f := &family{skb: n(3) > 0, contents: map[string][]host.Pair{}}
	if n(8) < 7 {
		f.fuel = uint64(10 + n(100))
	}
	for range 2 + n(3) {
		w := &writer{t: t, skb: f.skb}
		f.programs = append(f.programs, w.program(f.fuel > 0))
	}
	for key := range uint64(n(4)) {
		f.put("hash", word(key), append(word(key*77), 1, 2, 3, 4))
		f.put("array", word(key)[:4], word(key))
	}
	for _, array := range []string{"progs", "few"} {
		for key := range progArrays[array] {
			f.held = append(f.held, change{slot{array, uint32(key)}, f.drawProgram(n)})
		}
	}
	for range 1 + n(4) {
		f.runs = append(f.runs, f.drawRun(t, n))
	}
	return f
}

// put gives a key a value in the beginning.
func (f *family) put(name string, key, value []byte) {
	f.contents[name] = append(f.contents[name], host.Pair{Key: key, Value: value})
}

func word(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// drawProgram is one of the programs, or none.
func (f *family) drawProgram(n func(int) int) string {
	if i := n(len(f.programs) + 1); i > 0 {
		return f.name(i - 1)
	}
	return ""
}

func (f *family) drawRun(t *rapid.T, n func(int) int) run {
	r := run{entry: f.name(n(len(f.programs))), ctx: make([]byte, plainSize)}
	if f.skb {
		r.ctx = make([]byte, host.SkbSize)
		bytes := rapid.Byte()
		if n(2) == 0 {
			bytes = rapid.SampledFrom([]byte{0, 0, 0, 1, 0x80, 0xff})
		}
		r.packet = rapid.SliceOfN(bytes, 0, packetSize).Draw(t, "packet")
	}
	for off := 0; off < 64; off += 4 {
		binary.LittleEndian.PutUint32(r.ctx[off:], rapid.Uint32().Draw(t, "word"))
	}
	if n(4) == 3 {
		r.reload = f.name(n(len(f.programs)))
	}
	for range n(3) {
		array := []string{"progs", "few"}[n(2)]
		r.changes = append(r.changes, change{slot{array, uint32(n(progArrays[array]))}, f.drawProgram(n)})
	}
	return r
}

// GoString lists the family, for the reader of a difference.
func (f *family) GoString() string {
	var b strings.Builder
	fmt.Fprintf(&b, "packets %v, fuel %d, keys %v, contents %v\n", f.skb, f.fuel, f.held, f.contents)
	for i, p := range f.programs {
		fmt.Fprintf(&b, "%s:\n%v", f.name(i), p)
	}
	for _, r := range f.runs {
		fmt.Fprintf(&b, "run %s after %v and a reload of %q: context % x, packet % x\n",
			r.entry, r.changes, r.reload, r.ctx, r.packet)
	}
	return b.String()
}
