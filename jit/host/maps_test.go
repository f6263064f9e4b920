package host

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// TestMapHelpers calls the helpers of maps one after the other; each case sees what those before
// it left.
func TestMapHelpers(t *testing.T) {
	const noent, full, exists, invalid = -2, -7, -17, -22
	for _, l := range jit.Layouts() {
		t.Run(l.Name, func(t *testing.T) {
			r := newRig(t, Config{Layout: l, Maps: threeMaps()})
			for _, name := range []string{"array", "percpu", "odd"} {
				want := map[string]int64{"odd": 0}
				r.want(name+": key 0", 0, read(name, 0)...)
				if name != "odd" {
					want[name] = 22
				}
				r.want(name+": key 2", want[name], read(name, 2)...)
				r.want(name+": last key and one", missing, read(name, 4)...)
				r.want(name+": key -1", missing, read(name, 1<<32-1)...)
				r.want(name+": delete", invalid, concat(remove(name, 2), exit())...)
				r.want(name+": delete nothing", invalid, concat(remove(name, 9), exit())...)
				if name == "odd" {
					continue // its values are larger than those that update has
				}
				r.want(name+": update", 0, concat(update(name, 3, 33, 0), exit())...)
				r.want(name+": updated", 33, read(name, 3)...)
				r.want(name+": exists", exists, concat(update(name, 3, 34, 1), exit())...)
				r.want(name+": update what exists", 0, concat(update(name, 3, 35, 2), exit())...)
				r.want(name+": updated again", 35, read(name, 3)...)
				for _, flags := range []int64{0, 1, 2} {
					r.want(name+": update beyond", full, concat(update(name, 4, 1, flags), exit())...)
				}
				r.want(name+": locked", invalid, concat(update(name, 3, 1, 4), exit())...)
				r.want(name+": locked, beyond", full, concat(update(name, 4, 1, 4), exit())...)
				r.want(name+": locked, exists", exists, concat(update(name, 3, 1, 5), exit())...)
				for _, flags := range []int64{3, 7, 8, 1 << 32, -1} {
					r.want(fmt.Sprint(name, ": flags ", flags), invalid, concat(update(name, 3, 1, flags), exit())...)
					r.want(fmt.Sprint(name, ": flags beyond ", flags), invalid, concat(update(name, 4, 1, flags), exit())...)
				}
				r.want(name+": not updated", 35, read(name, 3)...)
				r.want(name+": neighbour", 22, read(name, 2)...)
				if got := r.host.Map(name).Value(word(3)[:4], 0); !bytes.Equal(got, word(35)) {
					t.Errorf("%s: Value % x", name, got)
				}
			}
			h := "hash"
			r.want("nothing", missing, read(h, 3)...)
			r.want("initial", 22, read(h, 2)...)
			r.want("update nothing", noent, concat(update(h, 3, 33, 2), exit())...)
			r.want("still nothing", missing, read(h, 3)...)
			r.want("insert", 0, concat(update(h, 3, 33, 1), exit())...)
			r.want("inserted", 33, read(h, 3)...)
			r.want("exists", exists, concat(update(h, 3, 34, 1), exit())...)
			r.want("fill", 0, concat(update(h, 1<<63, 11, 0), exit())...)
			r.want("full", full, concat(update(h, 5, 55, 0), exit())...)
			r.want("full for what is new", full, concat(update(h, 5, 55, 1), exit())...)
			r.want("full, and not there", noent, concat(update(h, 5, 55, 2), exit())...)
			for range 10 { // more than there are spare elements
				r.want("replace in a full map", 0, concat(update(h, 3, 36, 2), exit())...)
				r.want("replace in a full map", 0, concat(update(h, 3, 37, 0), exit())...)
			}
			r.want("replaced", 37, read(h, 3)...)
			for _, flags := range []int64{3, 4, 5, 6, 7, 8, 1 << 32, -1} {
				r.want(fmt.Sprint("flags ", flags), invalid, concat(update(h, 3, 1, flags), exit())...)
			}
			r.want("delete", 0, concat(remove(h, 2), exit())...)
			r.want("deleted", missing, read(h, 2)...)
			r.want("delete again", noent, concat(remove(h, 2), exit())...)
			r.want("room again", 0, concat(update(h, 5, 55, 0), exit())...)
			for key, want := range map[uint64]int64{1 << 63: 11, 3: 37, 5: 55, 2: missing, 0: missing} {
				r.want(fmt.Sprintf("key %#x in the end", key), want, read(h, key)...)
			}
		})
	}
}

// TestElementIsReused inserts and deletes many more keys than there are elements.
func TestElementIsReused(t *testing.T) {
	r := newRig(t, Config{Maps: threeMaps()})
	r.host.Map("hash").Delete(word(2))
	for key := range uint64(50) {
		r.want("insert", 0, concat(update("hash", key, 1000+key, 1), exit())...)
		if key >= 2 {
			r.want("delete", 0, concat(remove("hash", key-2), exit())...)
			r.want("the one before", int64(1000+key-1), read("hash", key-1)...)
		}
	}
	if n := r.host.Map("hash").hash.used; n != 2 {
		t.Errorf("%d elements are used, want 2", n)
	}
}

// TestValueIsHeld has the address of a value while the key is given another: the old one stays
// readable, as in the kernel.
func TestValueIsHeld(t *testing.T) {
	r := newRig(t, Config{Maps: threeMaps()})
	held := func(between asm.Instructions) asm.Instructions {
		return concat(lookup("hash", 2), asm.Instructions{asm.Mov.Reg(asm.R7, asm.R0)}, between,
			asm.Instructions{asm.LoadMem(asm.R0, asm.R7, 0, asm.DWord), asm.Return()})
	}
	r.want("updated meanwhile", 22, held(update("hash", 2, 23, 0))...)
	r.want("afterwards", 23, read("hash", 2)...)
	r.want("deleted meanwhile", 23, held(remove("hash", 2))...)
	r.want("afterwards", missing, read("hash", 2)...)
	r.want("array", 44, concat(lookup("array", 2), asm.Instructions{asm.Mov.Reg(asm.R7, asm.R0)}, update("array", 2, 44, 0),
		asm.Instructions{asm.LoadMem(asm.R0, asm.R7, 0, asm.DWord), asm.Return()})...)
}

// TestMapOfBranch looks up in one of two maps: which, the compiler cannot know.
func TestMapOfBranch(t *testing.T) {
	r := newRig(t, Config{Maps: threeMaps()})
	for i, want := range []int64{22, 5} {
		r.run(concat(update("percpu", 2, 5, 0), exit())...)
		r.want("one of two", want, concat(store(keyAt, 2), stackAddr(asm.R2, keyAt), asm.Instructions{
			asm.Mov.Imm(asm.R3, int32(i)), mapAddr(asm.R1, "array"), asm.JEq.Imm(asm.R3, 0, "go"), mapAddr(asm.R1, "percpu"),
			asm.FnMapLookupElem.Call().WithSymbol("go"),
		}, deref())...)
	}
}

// TestMemoryOfKeys has keys and values in every memory that an image may touch.
func TestMemoryOfKeys(t *testing.T) {
	packet := append(append(make([]byte, 16), word(7)...), word(77)...)
	r := newRig(t, Config{Maps: threeMaps(), Packet: packet})
	r.ctx = append([]byte(nil), r.ctx...)
	copy(r.ctx[48:], word(8))
	copy(r.ctx[56:], word(88))
	r.pool.SetContext(r.ctx)
	put := func(from asm.Instructions) asm.Instructions {
		return concat(from, asm.Instructions{
			mapAddr(asm.R1, "hash"), asm.Mov.Reg(asm.R3, asm.R2), asm.Add.Imm(asm.R3, 8),
			asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call(), asm.Return(),
		})
	}
	r.want("packet", 0, put(asm.Instructions{asm.LoadMem(asm.R2, asm.R1, skbData, asm.Word), asm.Add.Imm(asm.R2, 16)})...)
	r.want("packet", 77, read("hash", 7)...)
	r.want("context", 0, put(asm.Instructions{asm.Mov.Reg(asm.R2, asm.R1), asm.Add.Imm(asm.R2, 48)})...)
	r.want("context", 88, read("hash", 8)...)

	odd := append(append(word(9), word(99)...), 0, 0, 0, 0)
	if err := r.host.Map("odd").Put(word(1)[:4], odd); err != nil {
		t.Fatal(err)
	}
	r.host.Map("hash").Delete(word(7))
	r.want("value", 0, put(concat(lookup("odd", 1), asm.Instructions{asm.Mov.Reg(asm.R2, asm.R0)}))...)
	r.want("value", 99, read("hash", 9)...)
}

// TestKeyInFreedElement has the key in an element that was deleted, and that the update takes.
func TestKeyInFreedElement(t *testing.T) {
	r := newRig(t, Config{Maps: map[string]MapSpec{"hash": {Kind: Hash, KeySize: 8, ValueSize: 8, MaxEntries: 1,
		Contents: []Pair{{word(2), word(22)}}}}})
	r.want("update", 0, concat(lookup("hash", 2), asm.Instructions{asm.Mov.Reg(asm.R7, asm.R0)}, remove("hash", 2),
		update("hash", 3, 33, 0), remove("hash", 3), // the other element
		store(valueAt, 44), stackAddr(asm.R3, valueAt), asm.Instructions{
			mapAddr(asm.R1, "hash"), asm.Mov.Reg(asm.R2, asm.R7), asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call(), asm.Return(),
		})...)
	r.want("under the key that was there", 44, read("hash", 22)...)
	r.want("under the value", missing, read("hash", 44)...)
}

// TestPutValueDelete are the maps from outside of images.
func TestPutValueDelete(t *testing.T) {
	r := newRig(t, Config{Maps: threeMaps(), CPUs: 2})
	if r.host.Map("none") != nil {
		t.Error("there is a map of no name")
	}
	p := r.host.Map("percpu")
	if p.update(word(1)[:4], word(5), 0, 1) != 0 {
		t.Fatal("not updated")
	}
	for cpu, want := range [][]byte{word(0), word(5), nil} {
		if got := p.Value(word(1)[:4], cpu); !bytes.Equal(got, want) {
			t.Errorf("cpu %d: % x, want % x", cpu, got, want)
		}
	}
	if got := p.Value(word(1)[:4], -1); got != nil {
		t.Errorf("cpu -1: % x", got)
	}
	if err := p.Put(word(1)[:4], word(6)); err != nil || !bytes.Equal(p.Value(word(1)[:4], 1), word(6)) {
		t.Errorf("every CPU: %v", err)
	}
	h := r.host.Map("hash")
	for _, tt := range []struct {
		key, value []byte
		want       string
	}{
		{word(1)[:4], word(1), "key of 4 and value of 8 bytes: want 8 and 8"},
		{word(1), word(1)[:4], "key of 8 and value of 4 bytes: want 8 and 8"},
		{word(1), word(1), ""},
		{word(3), word(1), ""},
		{word(4), word(1), "error -7 of the map"},
	} {
		if err := h.Put(tt.key, tt.value); err == nil != (tt.want == "") || err != nil && err.Error() != tt.want {
			t.Errorf("% x: % x: %v, want %s", tt.key, tt.value, err, tt.want)
		}
	}
	if h.Delete(word(1)[:4]) || !h.Delete(word(1)) || h.Delete(word(1)) || r.host.Map("array").Delete(word(1)[:4]) {
		t.Error("Delete")
	}
	if h.Value(word(1)[:4], 0) != nil || h.Value(word(1), 0) != nil || r.host.Map("array").Value(word(4)[:4], 0) != nil {
		t.Error("Value of what is not there")
	}
	h.Value(word(2), 0)[0]++
	if !bytes.Equal(h.Value(word(2), 0), word(22)) {
		t.Error("Value is no copy")
	}
}

func TestBadSpecs(t *testing.T) {
	good := MapSpec{Kind: Hash, KeySize: 8, ValueSize: 8, MaxEntries: 4}
	for _, tt := range []struct {
		change func(*MapSpec)
		want   string
	}{
		{func(s *MapSpec) { s.Kind = Opaque + 1 }, "kind 6 is not known"},
		{func(s *MapSpec) { s.Kind = Array }, "keys of 8 bytes: an array's have 4"},
		{func(s *MapSpec) { s.Kind = PerCPUArray }, "keys of 8 bytes: an array's have 4"},
		{func(s *MapSpec) { s.KeySize = 0 }, "keys of 0 bytes"},
		{func(s *MapSpec) { s.KeySize = 513 }, "keys of 513 bytes"},
		{func(s *MapSpec) { s.KeySize = -8 }, "keys of -8 bytes"},
		{func(s *MapSpec) { s.ValueSize = 0 }, "values of 0 bytes"},
		{func(s *MapSpec) { s.ValueSize = -1 }, "values of -1 bytes"},
		{func(s *MapSpec) { s.ValueSize = MaxPacket + 1 }, "values of 65537 bytes"},
		{func(s *MapSpec) { s.MaxEntries = 0 }, "0 entries"},
		{func(s *MapSpec) { s.MaxEntries = -1 }, "-1 entries"},
		{func(s *MapSpec) { s.MaxEntries = 1<<22 + 1 }, "4194305 entries of 16 bytes: want 1 to 4194304"},
		{func(s *MapSpec) { s.KeySize, s.ValueSize, s.MaxEntries = 1, 1, 1<<22+1 }, "4194305 entries"}, // they take 8 bytes each
		{func(s *MapSpec) { s.MaxEntries = int(^uint(0) >> 1) }, "9223372036854775807 entries"},
		{func(s *MapSpec) { s.Contents = []Pair{{word(1), nil}} }, "key 01 00 00 00 00 00 00 00: key of 8 and value of 0 bytes"},
		{func(s *MapSpec) { s.MaxEntries, s.Contents = 1, []Pair{{word(1), word(1)}, {word(2), word(1)}} },
			"key 02 00 00 00 00 00 00 00: error -7 of the map"},
		{func(s *MapSpec) {
			s.Kind, s.KeySize, s.Contents = Array, 4, []Pair{{word(4)[:4], word(1)}}
		}, "key 04 00 00 00: error -7 of the map"},
	} {
		s := good
		tt.change(&s)
		h, err := New(Config{Layout: &jit.V612, Maps: map[string]MapSpec{"good": good, "bad": s}})
		if err == nil || !strings.HasPrefix(err.Error(), "map bad: "+tt.want) {
			t.Errorf("%+v: error %v, want map bad: %s", s, err, tt.want)
		}
		if h != nil {
			t.Error("a host in spite of the error")
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a host without a layout")
	}
}
