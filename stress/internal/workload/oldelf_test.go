package workload

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"testing"

	"github.com/cilium/ebpf"
)

// old takes away what clang 7 leaves out of an object: types and sizes of symbols, and BTF.
func old(t testing.TB, raw []byte) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.Clone(raw)
	symbols := f.SectionByType(elf.SHT_SYMTAB)
	for at := symbols.Offset; at < symbols.Offset+symbols.Size; at += symbolEntry {
		entry := raw[at:][:symbolEntry]
		if elf.ST_TYPE(entry[symbolInfo]) != elf.STT_SECTION {
			entry[symbolInfo] &= 0xf0
			binary.LittleEndian.PutUint64(entry[symbolSize:], 0)
		}
	}
	return bytes.ReplaceAll(raw, []byte(".BTF"), []byte(".OLD"))
}

func TestOldObject(t *testing.T) {
	raw, err := os.ReadFile("testdata/oldmaps.o")
	if err != nil {
		t.Fatal(err)
	}
	without := old(t, raw)
	if _, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(without)); err == nil {
		t.Fatal("the library reads it, so that nothing needs mending")
	}
	got, err := Decode("old.o", without)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Decode("new.o", raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range want.Maps {
		m := got.Maps[name]
		if m == nil || m.Type != w.Type || m.KeySize != w.KeySize || m.ValueSize != w.ValueSize || m.MaxEntries != w.MaxEntries || m.Flags != w.Flags {
			t.Errorf("map %s: %v, want %v", name, m, w)
		}
	}
	entry, wanted := got.Programs["entry"], want.Programs["entry"]
	if entry == nil || entry.Type != ebpf.SchedCLS || len(entry.Instructions) != len(wanted.Instructions) {
		t.Fatalf("entry: %+v, want %+v", entry, wanted)
	}
	w, err := FromCollection(got, Source{Object: without, Name: "old.o", Entry: "entry"})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Entry.Funcs) != 2 || len(w.Keys) != 1 || w.Keys[0].Map != "jumps" || w.Keys[0].Index != 2 {
		t.Errorf("%d functions, keys %v", len(w.Entry.Funcs), w.Keys)
	}
}
