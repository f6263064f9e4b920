//go:build linux && amd64

package patcher

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
)

// TestLink points every reference at its symbol, and changes nothing else.
func TestLink(t *testing.T) {
	img := &Image{
		Code: []byte{0xe8, 0, 0, 0, 0, 0x90, 0xe8, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0},
		Refs: []Ref{{1, "near"}, {7, "before"}, {12, "far"}},
	}
	const at = 0x7f0000000000
	addrs := map[string]uint64{"near": at + 1<<20, "before": at - 1<<20, "far": at + 1<<31}
	symbol := func(s string) uint64 { return addrs[s] }
	code, err := img.link(at, symbol)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range img.Refs {
		to := at + uint64(r.Off) + refSize + uint64(int64(int32(binary.LittleEndian.Uint32(code[r.Off:]))))
		if to != addrs[r.Symbol] {
			t.Errorf("%s: leads to %#x, want %#x", r.Symbol, to, addrs[r.Symbol])
		}
		copy(code[r.Off:], make([]byte, refSize))
	}
	if !bytes.Equal(code, img.Code) {
		t.Error("something else was changed")
	}
	for want, addr := range map[string]uint64{
		"+0x1 refers to near, which is not there":              0,
		"+0x1 refers to near, which is +0x80000000 bytes away": at + 1 + refSize + 1<<31,
		"+0x1 refers to near, which is -0x80000001 bytes away": at + 1 + refSize - 1<<31 - 1,
	} {
		addrs["near"] = addr
		if _, err := img.link(at, symbol); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// TestImagesAreWhole: no part of an image lies beyond its end, and none at its end is refused.
func TestImagesAreWhole(t *testing.T) {
	whole := func() *Image {
		return &Image{
			Code: make([]byte, 16), Starts: []Off{0, 15}, Landing: 15, Refs: []Ref{{12, "f"}},
			Sites: []Site{{Slots: [protocol.Slots]Slot{{Off: 1, Out: 15}, {Off: 11}}}},
		}
	}
	if err := whole().check(); err != nil {
		t.Error(err)
	}
	r := newRig(t, setting{})
	for want, breaks := range map[string]func(*Image){
		"landing at +0x10":         func(i *Image) { i.Landing = 16 },
		"instruction at +0x10":     func(i *Image) { i.Starts[1] = 16 },
		"slot at +0xc":             func(i *Image) { i.Sites[0].Slots[1].Off = 12 },
		"jump of a slot at +0x10":  func(i *Image) { i.Sites[0].Slots[0].Out = 16 },
		"reference to f at +0xd":   func(i *Image) { i.Refs[0].Off = 13 },
		"landing at +0xffffffff: ": func(i *Image) { i.Landing = 1<<32 - 1 },
	} {
		img := whole()
		breaks(img)
		if _, err := r.p.Load("x", img, PlaceAny); err == nil || !strings.HasPrefix(err.Error(), "load x: "+want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if s, p, n := r.resources(); s != 0 || p != 0 || n != 0 {
		t.Errorf("refused images hold %d structs, %d pages, %d descriptors", s, p, n)
	}
}

// TestStubs executes code of the configuration by way of a reference, of images anywhere.
func TestStubs(t *testing.T) {
	r := newRig(t, setting{arena: exec.MaxArena})
	r.p.cfg.Stubs = map[string][]byte{
		"seven": {0xb8, 7, 0, 0, 0, 0xc3}, // mov eax, 7; ret
		"eight": {0xb8, 8, 0, 0, 0, 0xc3},
	}
	for range 8 {
		for symbol, want := range map[string]uint64{"seven": 7, "eight": 8} {
			prog := r.load(t, symbol, &Image{
				Code: []byte{0xe9, 0, 0, 0, 0}, Starts: []Off{0}, // jmp symbol
				Refs: []Ref{{1, symbol}},
			})
			r.pool.SetEntries([]uint64{r.p.Addr(prog)})
			if got, err := r.pool.Run(1, time.Minute); got != want || err != nil {
				t.Errorf("%s returns %d, %v", symbol, got, err)
			}
		}
	}
	structs, pages, _ := r.resources()
	_, err := r.p.Load("x", &Image{Code: []byte{0xe8, 0, 0, 0, 0}, Refs: []Ref{{1, "nine"}}}, PlaceAny)
	if want := "load x: +0x1 refers to nine, which is not there"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if s, p, _ := r.resources(); s != structs || p != pages {
		t.Errorf("a refused image: structs %d -> %d, pages %d -> %d", structs, s, pages, p)
	}
}

// TestOffsets: structs and arrays have room for what lies in them.
func TestOffsets(t *testing.T) {
	r := newRig(t, setting{})
	for _, o := range []Offsets{{}, {MaxEntries: 8, Ptrs: 8}, {MaxEntries: 5, Ptrs: 8}, {MaxEntries: 1<<32 - 1, Ptrs: 8}, {Ptrs: 8, Func: progStructSize - 7}} {
		cfg := r.p.cfg
		cfg.Offsets = o
		if p, err := New(cfg); err == nil {
			t.Errorf("offsets %+v were accepted: %v", o, p.Close())
		}
	}
	cfg := r.p.cfg
	cfg.Offsets = Offsets{MaxEntries: 4, Ptrs: 8, Func: progStructSize - 8}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestArraysLieApart: arrays and program structs share no byte, and arrays no line of a cache; their
// pointers are whole words; and arrays may use all memory that is left.
func TestArraysLieApart(t *testing.T) {
	r := newRig(t, setting{})
	o := r.p.cfg.Offsets
	var structs []uint64 // that pointers lead to
	for key := range testKeys {
		r.update(t, key, r.held(t, key))
		at := r.a.Addr() + uint64(o.Ptrs) + 8*uint64(key)
		word := r.p.data.At(at, 8)
		if at%8 != 0 || word == nil {
			t.Fatalf("the pointer of key %d is at %#x", key, at)
		}
		structs = append(structs, binary.LittleEndian.Uint64(word))
	}
	slices.Sort(structs)
	end := structs[0]
	for _, at := range append(structs, r.a.Addr()) {
		if at < end || at%8 != 0 {
			t.Errorf("a struct at %#x, the one before it ends at %#x", at, end)
		}
		end = at + uint64(o.Func) + 8
	}
	end = r.a.Addr() + uint64(o.Ptrs) + 8*testKeys
	add := func(name string, keys int) bool {
		a, err := r.p.NewArray(name, keys)
		if err != nil {
			return false
		}
		if a.Addr() < end || a.Addr()%64 != 0 {
			t.Errorf("an array of %d keys at %#x, the one before it ends at %#x", keys, a.Addr(), end)
		}
		if most := binary.LittleEndian.Uint32(r.p.data.At(a.Addr()+uint64(o.MaxEntries), 4)); int(most) != keys {
			t.Errorf("an array of %d keys says %d", keys, most)
		}
		end = a.Addr() + uint64(o.Ptrs) + 8*uint64(keys)
		return true
	}
	for keys := range 40 {
		if !add(fmt.Sprint(keys), 1+keys) {
			t.Fatalf("no room for %d keys", 1+keys)
		}
	}
	all := r.p.data.Addr(dataSize-1) + 1
	keys := int(all-end) / 8
	for !add("large", keys) {
		keys--
	}
	if all-end >= 8 {
		t.Errorf("%d bytes are left behind the largest array", all-end)
	}
	if err := r.a.p.arrays["large"].Update(keys-1, r.held(t, 0)); err != nil {
		t.Error(err)
	}
}
