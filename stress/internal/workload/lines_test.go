package workload

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"

	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
)

// linesObject is an object with line information, where .BTF.ext begins in it, and where in that the
// line information does.
func linesObject(t *testing.T) (raw []byte, ext, lines uint64) {
	t.Helper()
	raw, err := os.ReadFile("testdata/lines.o")
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Section(".BTF.ext")
	return raw, s.Offset, uint64(binary.LittleEndian.Uint32(raw[s.Offset+4:]) + binary.LittleEndian.Uint32(raw[s.Offset+extLineOff:]))
}

const (
	ownSite    = "lines.c:15: bpf_tail_call(skb, &jmp_table, 0);"
	headerSite = "lines.h:4 between lines.c:16 and lines.c:18: " + `asm volatile("r1 = %[ctx]\n\t"`
)

// TestLinesOfObject: sites are of the lines that clang has noted.
func TestLinesOfObject(t *testing.T) {
	raw, _, _ := linesObject(t)
	w, err := ReadObject("lines.o", raw, "entry")
	if err != nil {
		t.Fatal(err)
	}
	say := func(lines []source.Line) (out []string) {
		for _, l := range lines {
			out = append(out, l.String())
		}
		return out
	}
	if got := say(w.Dealt(2)); !slices.Equal(got, []string{ownSite, headerSite}) {
		t.Errorf("sites are of %q", got)
	}
	if got := say(w.Lines(protocol.Key{Map: "jmp_table", Index: 1})); !slices.Equal(got, []string{headerSite}) {
		t.Errorf("key 1 has sites of %q", got)
	}
	if got := w.Dealt(1); got != nil { // one key for both sites
		t.Errorf("the sites of one key are of %q", got)
	}
	if got := w.CalledAt(" at "); got != " at lines.c:15, lines.h:4 between lines.c:16 and lines.c:18" {
		t.Errorf("%q", got)
	}
	if text, err := w.Disassemble("v6.12"); err != nil || strings.Count(text, "  ; "+ownSite+"\n") != 1 {
		t.Errorf("%v, %s", err, text)
	}
	w.Maps["jmp_table"], w.Keys = 0, nil
	if err := w.Poked(); err == nil || !strings.Contains(err.Error(), w.CalledAt(" tail calls at ")) {
		t.Errorf("%v", err)
	}
}

// TestBadLines: no line information makes an object unreadable, and none of it is believed then. Each
// word of it is put out of range once.
func TestBadLines(t *testing.T) {
	raw, ext, lines := linesObject(t)
	length := uint64(binary.LittleEndian.Uint32(raw[ext+extLineLen:]))
	words := []uint64{ext + extLineOff, ext + extLineLen}
	for at := ext + lines; at < ext+lines+length; at += 4 {
		words = append(words, at)
	}
	unread := 0
	for _, at := range words {
		for _, value := range []uint32{0, 1, 0x7ffffff8, 0xfffffff1} {
			bad := bytes.Clone(raw)
			binary.LittleEndian.PutUint32(bad[at:], value)
			w, err := ReadObject("lines.o", bad, "entry")
			if err != nil {
				t.Fatalf("%#x at +%#x of .BTF.ext: %v", value, at-ext, err)
			}
			if w.CalledAt(" at ") == "" {
				unread++
			}
		}
	}
	if unread < len(words) {
		t.Errorf("line information was good %d times of %d", 4*len(words)-unread, 4*len(words))
	}
	without, err := ReadObject("lines.o", bytes.ReplaceAll(raw, []byte(".BTF.ext"), []byte(".BTF.off")), "entry")
	if err != nil || without.CalledAt(" at ") != "" || without.Entry.Line(0).Known() {
		t.Errorf("%v, %q", err, without.Entry.Line(0))
	}
}
