package workload

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/patcher/protocol"
)

// loaderless is an object that needs its loader.
func loaderless() *ebpf.CollectionSpec {
	extra := func(id, inner uint32) *bytes.Reader { // id, pinning, inner_id, inner_idx
		var b []byte
		for _, v := range []uint32{id, 2, inner, 0} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		return bytes.NewReader(b)
	}
	return &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{
			"jmp":   {Name: "jmp", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4},
			"ring":  {Name: "ring", Type: ebpf.RingBuf},
			"store": {Name: "store", Type: ebpf.TaskStorage, KeySize: 4, ValueSize: 4},
			"in":    {Name: "in", Type: ebpf.Hash, KeySize: 2, ValueSize: 2, MaxEntries: 3, Extra: extra(7, 0)},
			"outer": {Name: "outer", Type: ebpf.ArrayOfMaps, KeySize: 4, ValueSize: 4, Extra: extra(8, 7)},
			"bare":  {Name: "bare", Type: ebpf.HashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2},
		},
		Programs: map[string]*ebpf.ProgramSpec{
			"none": {Name: "none", SectionName: "2/0"},
			"xdp":  {Name: "xdp", Type: ebpf.XDP},
		},
		Variables: map[string]*ebpf.VariableSpec{"debug": {Name: "debug", Value: make([]byte, 4)}},
	}
}

// TestFillIn: maps get sizes and patterns, programs a type, variables a value.
func TestFillIn(t *testing.T) {
	spec := loaderless()
	g := Given{Type: "tc", Maps: "in:max_entries=9,bare:inner=in", Consts: "debug=-2"}
	if err := g.apply(spec); err != nil {
		t.Fatal(err)
	}
	m := spec.Maps
	if m["jmp"].MaxEntries != filledKeys || m["ring"].MaxEntries != filledBytes || m["store"].MaxEntries != 0 || m["in"].MaxEntries != 9 {
		t.Errorf("sizes %d %d %d %d", m["jmp"].MaxEntries, m["ring"].MaxEntries, m["store"].MaxEntries, m["in"].MaxEntries)
	}
	if m["in"].Extra != nil || m["outer"].Extra != nil {
		t.Error("what is iproute2's alone is left")
	}
	for _, name := range []string{"outer", "bare"} {
		if inner := m[name].InnerMap; inner == nil || inner.Type != ebpf.Hash || inner.KeySize != 2 {
			t.Errorf("the pattern of %s is %+v", name, inner)
		}
	}
	if spec.Programs["none"].Type != ebpf.SchedCLS || spec.Programs["xdp"].Type != ebpf.XDP {
		t.Errorf("types %v and %v", spec.Programs["none"].Type, spec.Programs["xdp"].Type)
	}
	if v := spec.Variables["debug"].Value; !bytes.Equal(v, []byte{0xfe, 0xff, 0xff, 0xff}) {
		t.Errorf("debug is % x", v)
	}
}

// TestGivenRefused: what is given and does not fit is one clear error.
func TestGivenRefused(t *testing.T) {
	for want, g := range map[string]Given{
		"--type tv: there are: action":                                {Type: "tv"},
		"--map jmp: want NAME:FIELD=VALUE":                            {Maps: "jmp"},
		"--map jmp:size=1: no field \"size\"; there are: max_entries": {Maps: "jmp:size=1"},
		"--map jmp:max_entries=0: want a number from 1":               {Maps: "jmp:max_entries=0"},
		"--map none:max_entries=1: no map \"none\"":                   {Maps: "none:max_entries=1"},
		"--map bare:inner=bare: no other map \"bare\"":                {Maps: "bare:inner=bare"},
		"--const debug: want NAME=NUMBER":                             {Consts: "debug"},
		"--const debug=x: want NAME=NUMBER":                           {Consts: "debug=x"},
		"--const none=1: no variable \"none\" of at most 8 bytes":     {Consts: "none=1"},
	} {
		if err := g.apply(loaderless()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", g, err, want)
		}
	}
}

// TestTypeOfNone: a type that no program takes is refused, not ignored.
func TestTypeOfNone(t *testing.T) {
	spec := loaderless()
	delete(spec.Programs, "none")
	const want = "--type tc: the section of every program names its type"
	if err := (Given{Type: "tc"}).apply(spec); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestUnreadable: an entry that package jit does not read is a workload that a kernel alone may judge,
// and another program is left out.
func TestUnreadable(t *testing.T) {
	odd := asm.Instructions{asm.Instruction{OpCode: 0xff}}
	good := asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	spec := func(entry, other asm.Instructions) *ebpf.CollectionSpec {
		return &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{
			"entry": {Name: "entry", Type: ebpf.SchedCLS, Instructions: entry}, "other": {Name: "other", Type: ebpf.SchedCLS, Instructions: other},
		}}
	}
	w, err := FromCollection(spec(odd, good), Source{Name: "x.o", Entry: "entry"})
	if err != nil || w.limit == nil || w.Entry.Name != "entry" || len(w.Programs) != 1 || w.Check() == nil {
		t.Errorf("%+v, %v", w, err)
	}
	w, err = FromCollection(spec(good, odd), Source{Name: "x.o", Entry: "entry"})
	if err != nil || w.limit != nil || len(w.Programs) != 1 || w.Programs[0] != w.Entry {
		t.Errorf("%+v, %v", w, err)
	}
}

// TestFitted: a workload with other keys and programs is another one, and one with the same is itself.
func TestFitted(t *testing.T) {
	w, err := LoadObject("../../bpf/tailcalls.o", "dispatch")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range w.Programs {
		names = append(names, p.Name)
	}
	if same, err := w.Fitted(w.Keys, names, nil); same != w || err != nil {
		t.Errorf("the same: %v", err)
	}
	made := map[string]*ebpf.ProgramSpec{"made": {Name: "made", Type: ebpf.SchedCLS, Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 21), asm.Return()}}}
	f, err := w.Fitted([]protocol.Key{w.Keys[0]}, []string{names[0], "made"}, made)
	if err != nil || len(f.Keys) != 1 || len(f.Programs) != 2 || f.Programs[1].Name != "made" || f.Programs[0] != w.Programs[0] {
		t.Fatalf("%+v, %v", f, err)
	}
	if f.Collection().Programs["made"] == nil || w.Collection().Programs["made"] != nil {
		t.Error("the program that was made is in the wrong collection")
	}
}
