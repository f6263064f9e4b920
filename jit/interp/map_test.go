package interp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"tailpoke/jit"
)

// key4 is a number as the key or value of a map, in 4 bytes, and key8 in 8.
func key4(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
func key8(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// mapWorld has a map of each kind. Every test has its own.
func mapWorld() World {
	w := worldOf(&jit.V612, nil)
	w.Maps = map[string]*Map{
		"array":   {Kind: Array, KeySize: 4, ValueSize: 12, MaxEntries: 3},
		"percpu":  {Kind: PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 3},
		"hash":    {Kind: Hash, KeySize: 4, ValueSize: 8, MaxEntries: 2},
		"progs":   {Kind: ProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4},
		".bss":    {Kind: Array, KeySize: 4, ValueSize: 16, MaxEntries: 1},
		".rodata": {Kind: Array, KeySize: 4, ValueSize: 16, MaxEntries: 1, ReadOnly: true},
	}
	return w
}

func put(t testing.TB, m *Map, key, value []byte) {
	t.Helper()
	if err := m.Put(key, value); err != nil {
		t.Fatal(err)
	}
}

func mapPtr(r asm.Register, m string) asm.Instruction { return asm.LoadMapPtr(r, 0).WithReference(m) }

// valuePtr is the address of a variable.
func valuePtr(r asm.Register, m string, off uint32) asm.Instruction {
	return asm.LoadMapValue(r, 0, off).WithReference(m)
}

// at makes a register point into the stack.
func at(r asm.Register, off int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Reg(r, asm.R10), asm.Add.Imm(r, off)}
}

// storeWide stores a constant in eight bytes, for which the assembler has no function.
func storeWide(dst asm.Register, off int16, v int64) asm.Instruction {
	return asm.Instruction{OpCode: asm.StoreImmOp(asm.DWord), Dst: dst, Offset: off, Constant: v}
}

// find looks up a key.
func find(m string, key int64) asm.Instructions {
	return seq(asm.StoreImm(asm.R10, -4, key, asm.Word), at(asm.R2, -4), mapPtr(asm.R1, m), asm.FnMapLookupElem.Call())
}

// set updates a key to a number of which the lower 4 bytes are given; the others are zero.
func set(m string, key, value int64, flags int32) asm.Instructions {
	return seq(asm.StoreImm(asm.R10, -4, key, asm.Word), storeWide(asm.R10, -24, value),
		storeWide(asm.R10, -16, 0),
		at(asm.R2, -4), at(asm.R3, -24), asm.Mov.Imm(asm.R4, flags), mapPtr(asm.R1, m), asm.FnMapUpdateElem.Call())
}

// del deletes a key.
func del(m string, key int64) asm.Instructions {
	return seq(asm.StoreImm(asm.R10, -4, key, asm.Word), at(asm.R2, -4), mapPtr(asm.R1, m), asm.FnMapDeleteElem.Call())
}

// seq joins instructions and lists of them.
func seq(parts ...any) asm.Instructions {
	var out asm.Instructions
	for _, part := range parts {
		switch v := part.(type) {
		case asm.Instruction:
			out = append(out, v)
		case asm.Instructions:
			out = append(out, v...)
		default:
			panic(fmt.Sprintf("part of type %T", part))
		}
	}
	return out
}

// exit returns what R0 holds.
var exit = asm.Return()

// runIn runs instructions in a world.
func runIn(t testing.TB, w World, parts ...any) (uint64, error) {
	t.Helper()
	o, err := Run(parse(t, "x", parts...), w)
	return o.R0, err
}

// wantIn runs instructions that must return a number.
func wantIn(t testing.TB, w World, want uint64, parts ...any) {
	t.Helper()
	if got, err := runIn(t, w, parts...); err != nil || got != want {
		t.Errorf("%#x, %v, want %#x", got, err, want)
	}
}

// refusesIn runs instructions that must end in an error.
func refusesIn(t testing.TB, w World, want string, parts ...any) {
	t.Helper()
	if got, err := runIn(t, w, parts...); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%#x, error %v, want %q", got, err, want)
	}
}

func minus(e errno) uint64 { return uint64(-int64(e)) }

// TestMapResults has what the operations on maps return, and leave.
func TestMapResults(t *testing.T) {
	const any, noExist, exist, lock = 0, 1, 2, 4
	full := seq(set("hash", 1, 10, any), set("hash", 2, 20, any))
	for _, tt := range []struct {
		name string
		code asm.Instructions
		want uint64
	}{
		{"update of an array", set("array", 2, 5, any), 0},
		{"of an array, existing", set("array", 2, 5, exist), 0},
		{"of an array, not existing", set("array", 2, 5, noExist), minus(eexist)},
		{"of an array, beyond its end", set("array", 3, 5, any), minus(e2big)},
		{"of an array, beyond its end, not existing", set("array", 3, 5, noExist), minus(e2big)},
		{"of an array, with a lock", set("array", 2, 5, lock), minus(einval)},
		{"of an array, with a lock, beyond its end", set("array", 3, 5, lock), minus(e2big)},
		{"of an array, with a lock, not existing", set("array", 2, 5, lock|noExist), minus(eexist)},
		{"of an array, with unknown flags", set("array", 3, 5, 3), minus(einval)},
		{"of an array, with negative flags", set("array", 2, 5, -1), minus(einval)},
		{"of a per-CPU array", set("percpu", 2, 5, any), 0},
		{"of a per-CPU array, beyond its end", set("percpu", 3, 5, any), minus(e2big)},
		{"of a hash, new", set("hash", 7, 5, any), 0},
		{"of a hash, new, not existing", set("hash", 7, 5, noExist), 0},
		{"of a hash, new, existing", set("hash", 7, 5, exist), minus(enoent)},
		{"of a hash, again", seq(full, set("hash", 2, 5, any)), 0},
		{"of a hash, again, existing", seq(full, set("hash", 2, 5, exist)), 0},
		{"of a hash, again, not existing", seq(full, set("hash", 2, 5, noExist)), minus(eexist)},
		{"of a hash, full", seq(full, set("hash", 3, 5, any)), minus(e2big)},
		{"of a hash, full, existing", seq(full, set("hash", 3, 5, exist)), minus(enoent)},
		{"of a hash, with a lock", set("hash", 7, 5, lock), minus(einval)},
		{"of a hash, with unknown flags", set("hash", 7, 5, 3), minus(einval)},
		{"of a hash, after a deletion", seq(full, del("hash", 1), set("hash", 3, 5, any)), 0},
		{"deletion from an array", del("array", 1), minus(einval)},
		{"deletion from a per-CPU array", del("percpu", 1), minus(einval)},
		{"deletion from a hash", seq(full, del("hash", 1)), 0},
		{"deletion of nothing", del("hash", 1), minus(enoent)},
		{"deletion twice", seq(full, del("hash", 1), del("hash", 1)), minus(enoent)},
		{"lookup beyond an array", find("array", 3), 0},
		{"lookup far beyond an array", find("array", -1), 0},
		{"lookup beyond a per-CPU array", find("percpu", 3), 0},
		{"lookup in an empty hash", find("hash", 1), 0},
		{"lookup of a deleted key", seq(full, del("hash", 1), find("hash", 1)), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantIn(t, mapWorld(), tt.want, tt.code, exit)
		})
	}
}

// deref reads what a lookup found, or returns 99.
func deref(off int16, size asm.Size) asm.Instructions {
	return seq(asm.JNE.Imm(asm.R0, 0, "found"), ret(99),
		asm.LoadMem(asm.R0, asm.R0, off, size).WithSymbol("found"), exit)
}

func TestLookupFindsWhatWasPut(t *testing.T) {
	w := mapWorld()
	put(t, w.Maps["array"], key4(2), append(key8(70), key4(71)...))
	put(t, w.Maps["hash"], key4(0xfffffffe), key8(72))
	put(t, w.Maps[".rodata"], key4(0), append(key8(73), key8(74)...))
	wantIn(t, w, 70, find("array", 2), deref(0, asm.DWord))
	wantIn(t, w, 71, find("array", 2), deref(8, asm.Word))
	wantIn(t, w, 0, find("array", 1), deref(8, asm.Word))
	wantIn(t, w, 72, find("hash", -2), deref(0, asm.DWord))
	wantIn(t, w, 99, find("hash", 2), deref(0, asm.DWord))
	wantIn(t, w, 74, valuePtr(asm.R1, ".rodata", 8), asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord), exit)
	wantIn(t, w, 73, valuePtr(asm.R1, ".rodata", 8), asm.LoadMem(asm.R0, asm.R1, -8, asm.DWord), exit)
}

// TestMapsLiveOn: what one run leaves, the next finds, and the caller.
func TestMapsLiveOn(t *testing.T) {
	w := mapWorld()
	bump := seq(valuePtr(asm.R6, ".bss", 4), asm.Mov.Imm(asm.R1, 1),
		asm.FetchAdd.Mem(asm.R6, asm.R1, asm.DWord, 4), asm.Mov.Reg(asm.R0, asm.R1), exit)
	for n := range uint64(3) {
		wantIn(t, w, n, bump)
	}
	wantIn(t, w, 0, set("hash", 5, 50, 0), set("array", 1, 40, 0), exit)
	wantIn(t, w, 50, find("hash", 5), asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.StoreImm(asm.R0, 0, 51, asm.Byte), asm.Mov.Reg(asm.R0, asm.R1), exit)
	if got := w.Maps[".bss"].Get(key4(0)); !bytes.Equal(got, append(key8(0), key8(3)...)) {
		t.Errorf(".bss: %x", got)
	}
	if got := w.Maps["hash"].Get(key4(5)); !bytes.Equal(got, key8(51)) {
		t.Errorf("hash: %x", got)
	}
	if got := w.Maps["array"].Get(key4(1)); !bytes.Equal(got, append(key8(40), key4(0)...)) {
		t.Errorf("array: %x", got)
	}
}

// TestMapsOverTailCalls: a program finds what the one before it wrote, and paths do not see
// one another.
func TestMapsOverTailCalls(t *testing.T) {
	w := mapWorld()
	read := func(name string) *jit.Program { return parse(t, name, find("hash", 1), deref(0, asm.DWord)) }
	w.Held = func(string, uint32) []*jit.Program { return []*jit.Program{nil, read("reader")} }
	write := func(n int64) asm.Instructions { return seq(set("hash", 1, n, 0), restore) }
	entry := parse(t, "entry", keep, write(5), tailCall(0), write(6), tailCall(0),
		del("hash", 1), restore, tailCall(0), ret(7))
	got, err := Outcomes(entry, w)
	if err != nil {
		t.Fatal(err)
	}
	var values []uint64
	for _, o := range got {
		values = append(values, o.R0)
	}
	if diff := cmp.Diff([]uint64{5, 6, 7, 99}, values); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
	for key := range w.Maps["hash"].All() {
		t.Errorf("Explore left key %x", key)
	}
}

func TestAtomicsOnMaps(t *testing.T) {
	w := mapWorld()
	put(t, w.Maps["hash"], key4(1), key8(5))
	wantIn(t, w, 5, find("hash", 1), asm.Mov.Imm(asm.R1, 9), asm.Xchg.Mem(asm.R0, asm.R1, asm.DWord, 0), asm.Mov.Reg(asm.R0, asm.R1), exit)
	wantIn(t, w, 9, find("hash", 1), asm.Mov.Imm(asm.R1, 3), asm.AddAtomic.Mem(asm.R0, asm.R1, asm.Word, 4), asm.LoadMem(asm.R0, asm.R0, 0, asm.Word), exit)
	wantIn(t, w, 3<<32|9, find("hash", 1), deref(0, asm.DWord))
}

func TestMapRefusals(t *testing.T) {
	hit := func(rest ...any) asm.Instructions { return seq(find("array", 1), seq(rest...)) }
	again := seq(set("hash", 1, 1, 0), find("hash", 1), asm.Mov.Reg(asm.R6, asm.R0))
	for _, tt := range []struct {
		name string
		code asm.Instructions
		want string
	}{
		{"beyond the value, within the stride", hit(asm.LoadMem(asm.R0, asm.R0, 12, asm.Word)),
			"4 bytes at +12 of a value of map array of 12"},
		{"before the value", hit(asm.StoreImm(asm.R0, -1, 0, asm.Byte)), "1 bytes at -1 of a value"},
		{"far beyond the value", hit(asm.LoadMem(asm.R0, asm.R0, 5, asm.DWord)), "8 bytes at +5 of a value"},
		{"past a variable", seq(valuePtr(asm.R1, ".bss", 12), asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord)), "8 bytes at +12"},
		{"a null pointer", seq(find("hash", 1), asm.LoadMem(asm.R0, asm.R0, 0, asm.Byte)), "through a number"},
		{"an address in a value", hit(asm.StoreMem(asm.R0, 0, asm.R10, asm.DWord)), "computes with an address"},
		{"nothing in a value", hit(asm.StoreMem(asm.R0, 0, asm.R3, asm.DWord)), "never written"},
		{"a value's address as result", hit(), "r0 at exit: computes with an address"},
		{"a write to a read-only map", seq(valuePtr(asm.R1, ".rodata", 0), asm.StoreImm(asm.R1, 0, 1, asm.Byte)), "read-only"},
		{"an atomic on a read-only map", seq(valuePtr(asm.R1, ".rodata", 0), asm.Mov.Imm(asm.R2, 0), asm.AddAtomic.Mem(asm.R1, asm.R2, asm.Word, 0)), "read-only"},
		{"an update of a read-only map", set(".rodata", 0, 1, 0), "read-only"},
		{"a deletion from a read-only map", del(".rodata", 0), "read-only"},
		{"after a deletion", seq(again, del("hash", 1), asm.LoadMem(asm.R0, asm.R6, 0, asm.Byte)), "deleted or updated"},
		{"after an update", seq(again, set("hash", 1, 2, 0), asm.StoreImm(asm.R6, 0, 1, asm.Byte)), "deleted or updated"},
		{"a prog array", find("progs", 0), "map progs is a prog array, which has no values"},
		{"an update of a prog array", set("progs", 0, 0, 0), "prog array"},
		{"a map of which nothing is said", find("other", 0), "nothing is said of map other"},
		{"no map", seq(asm.Mov.Imm(asm.R1, 0), asm.FnMapLookupElem.Call()), "r1 holds a number, not a map"},
		{"a value for a map", seq(valuePtr(asm.R1, ".bss", 0), asm.FnMapLookupElem.Call()), "r1 holds an address in a map's value"},
		{"a key that was not written", seq(at(asm.R2, -4), asm.StoreImm(asm.R10, -4, 0, asm.Half), mapPtr(asm.R1, "array"), asm.FnMapLookupElem.Call()),
			"r2: reads what was never written: stack at -2"},
		{"a key with an address", seq(asm.StoreMem(asm.R10, -8, asm.R10, asm.DWord), at(asm.R2, -4), mapPtr(asm.R1, "array"), asm.FnMapLookupElem.Call()),
			"r2: computes with an address"},
		{"a key beyond the stack", seq(asm.StoreImm(asm.R10, -4, 0, asm.Word), at(asm.R2, -2), mapPtr(asm.R1, "array"), asm.FnMapLookupElem.Call()),
			"r2: access is outside of its memory: 4 bytes at -2"},
		{"a variable in a map of several", seq(valuePtr(asm.R1, "array", 0)), "map array is no array of one element"},
		{"the order of two elements", seq(find("array", 0), asm.Mov.Reg(asm.R6, asm.R0), find("array", 1), asm.JLT.Reg(asm.R6, asm.R0, "out"), asm.Mov.Imm(asm.R0, 0), exit.WithSymbol("out")),
			"computes with an address"},
		{"the distance of two elements", seq(find("array", 0), asm.Mov.Reg(asm.R6, asm.R0), find("array", 1), asm.Sub.Reg(asm.R0, asm.R6)),
			"computes with an address"},
		{"a tail call through an array", seq(mapPtr(asm.R2, "array"), asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call()),
			"map array is an array, not a prog array"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refusesIn(t, mapWorld(), tt.want, tt.code, exit)
			w := mapWorld()
			w.Shared = true
			if strings.Contains(tt.name, "after ") || tt.name == "a null pointer" {
				return // nothing is known of the map then
			}
			if _, err := Explore(parse(t, "x", tt.code, exit), w); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("shared: error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestProgArrayAmongMaps(t *testing.T) {
	w := mapWorld()
	f := parse(t, "f", ret(5))
	w.Held = func(m string, key uint32) []*jit.Program {
		if m != "progs" || key != 3 {
			t.Errorf("asked for key %d of %s", key, m)
		}
		return []*jit.Program{f}
	}
	w.MaxEntries = func(string) uint32 { return 0 }
	wantIn(t, w, 5, mapPtr(asm.R2, "progs"), asm.Mov.Imm(asm.R3, 3), asm.FnTailCall.Call(), ret(1))
	wantIn(t, w, 1, mapPtr(asm.R2, "progs"), asm.Mov.Imm(asm.R3, 4), asm.FnTailCall.Call(), ret(1))
}

func TestMapByHand(t *testing.T) {
	h := &Map{Kind: Hash, KeySize: 2, ValueSize: 1, MaxEntries: 2}
	put(t, h, []byte{2, 0}, []byte{20})
	put(t, h, []byte{1, 0}, []byte{10})
	put(t, h, []byte{2, 0}, []byte{21})
	if err := h.Put([]byte{3, 0}, []byte{0}); err == nil {
		t.Error("a third element of two")
	}
	for _, bad := range [][2][]byte{{{1}, {1}}, {{1, 0}, {1, 2}}} {
		if err := h.Put(bad[0], bad[1]); err == nil {
			t.Errorf("put %x", bad)
		}
	}
	if h.Get([]byte{1}) != nil || h.Get([]byte{9, 9}) != nil {
		t.Error("found what is not there")
	}
	var got []string
	for k, v := range h.All() {
		got = append(got, fmt.Sprintf("%x=%x", k, v))
	}
	if diff := cmp.Diff([]string{"0100=0a", "0200=15"}, got); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
	h.Get([]byte{1, 0})[0] = 99
	if h.Get([]byte{1, 0})[0] != 10 {
		t.Error("Get gives the map's own memory")
	}

	a := &Map{Kind: Array, KeySize: 4, ValueSize: 1, MaxEntries: 2}
	put(t, a, key4(1), []byte{7})
	got = nil
	for k, v := range a.All() {
		got = append(got, fmt.Sprintf("%x=%x", k, v))
	}
	if diff := cmp.Diff([]string{"00000000=00", "01000000=07"}, got); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
	for _, bad := range []*Map{
		{Kind: Array, KeySize: 8, ValueSize: 1, MaxEntries: 1},
		{Kind: Hash, ValueSize: 1, MaxEntries: 1},
		{Kind: Hash, KeySize: 4, MaxEntries: 1},
		{Kind: Array, KeySize: 4, ValueSize: 1},
		{Kind: ProgArray + 1, KeySize: 4, ValueSize: 4, MaxEntries: 1},
	} {
		w := mapWorld()
		w.Maps["bad"] = bad
		if _, err := runIn(t, w, ret(0)); err == nil || !strings.HasPrefix(err.Error(), "map bad: ") {
			t.Errorf("%+v: error %v", bad, err)
		}
		if err := bad.Put(key4(0), []byte{1}); err == nil {
			t.Errorf("put into %+v", bad)
		}
	}
	w := mapWorld()
	if err := w.Maps["progs"].Put(key4(0), key4(0)); err == nil || w.Maps["progs"].Get(key4(0)) != nil {
		t.Error("a prog array has values")
	}
	w.Maps["bad"] = nil
	if _, err := runIn(t, w, ret(0)); err == nil {
		t.Error("a map that is nil was accepted")
	}
}
