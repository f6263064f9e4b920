package host

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/exec"
)

// tracer is a rig that keeps what programs print.
type tracer struct {
	*rig
	lines []string
}

func newTracer(t testing.TB) *tracer {
	tr := &tracer{}
	page := "out of the kernel\x00"
	tr.rig = newRig(t, Config{
		Maps:  map[string]MapSpec{"text": {Kind: Array, KeySize: 4, ValueSize: 2048, MaxEntries: 1}},
		Trace: func(line []byte) { tr.lines = append(tr.lines, string(line)) },
		Probe: func(addr uint64, dst []byte) bool { // one string
			off := addr - tracerString
			if addr < tracerString || off+uint64(len(dst)) > uint64(len(page)) {
				return false
			}
			copy(dst, page[off:])
			return true
		},
	})
	return tr
}

const (
	tracerString = 0xffffffff81000000
	textAt       = 1024 // where strings lie in the value
)

// print runs bpf_trace_printk, and gives what it printed and returned. The text is after the
// format, for %s.
func (tr *tracer) print(format, text string, size int, args ...uint64) (line string, ret int64) {
	tr.t.Helper()
	v := make([]byte, 2048)
	copy(v, format)
	copy(v[textAt:], text)
	if err := tr.host.Map("text").Put(word(0)[:4], v); err != nil {
		tr.t.Fatal(err)
	}
	tr.lines = nil
	all := append([]uint64{tr.host.Map("text").values, uint64(size)}, args...)
	ret = int64(tr.run(concat(call(asm.FnTracePrintk, all...), exit())...))
	if ret >= 0 && len(tr.lines) != 1 || ret < 0 && tr.lines != nil {
		tr.t.Errorf("%q: returned %d, printed %q", format, ret, tr.lines)
	}
	return strings.Join(tr.lines, "|"), ret
}

// TestTracePrintkAsFmt has the conversions that mean the same to package fmt.
func TestTracePrintkAsFmt(t *testing.T) {
	tr := newTracer(t)
	values := []uint64{0, 1, 9, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1<<63 - 1, 1 << 63, ^uint64(0), 0x123456789abcdef0}
	for _, flags := range []string{"", "0", "-", "+", " ", "+0", "-+"} {
		for _, width := range []string{"", "1", "7", "24"} {
			for _, verb := range []string{"d", "x", "X"} {
				for _, v := range values {
					narrow, wide := any(int32(v)), any(int64(v))
					if verb != "d" {
						narrow, wide = uint32(v), v
						if strings.ContainsAny(flags, "+ ") {
							continue // fmt signs them
						}
					}
					for kernel, want := range map[string]any{"%" + flags + width + verb: narrow, "%" + flags + width + "l" + verb: wide, "%" + flags + width + "ll" + verb: wide} {
						text := fmt.Sprintf("<%"+flags+width+verb+">%%", want)
						if got, ret := tr.print("<"+kernel+">%%", "", 512, v); got != text || ret != int64(len(text)) {
							t.Errorf("%s of %#x: %q, %d; want %q", kernel, v, got, ret, text)
						}
					}
				}
			}
		}
	}
}

// TestTracePrintk has what package fmt cannot tell; stress/identity asks the kernel.
func TestTracePrintk(t *testing.T) {
	const invalid = -22
	tr := newTracer(t)
	at := tr.host.Map("text").values + textAt
	for _, tt := range []struct {
		format string
		args   []uint64
		want   string
		ret    int64
	}{
		{"%u %i %lu", []uint64{1<<40 | 1<<31, 1<<40 | 1<<31, 1 << 40}, "2147483648 -2147483648 1099511627776", 36},
		{"%c%c%3c", []uint64{'a', 0x100 + 'b', 'c'}, "ab  c", 5},
		{"%s %d", []uint64{at, 1}, "text 1", 6},
		{"%6s|%-6s|%2s", []uint64{at, at, at}, "  text|text  |text", 18},
		{"%s", []uint64{tracerString}, "out of the kernel", 17},
		{"%s", []uint64{tracerString + 18}, "", 0}, // nothing is there
		{"[%s]", []uint64{0}, "[]", 2},
		{"%pks %pus", []uint64{at, tracerString}, "text out of the kernel", 22},
		{"%p", []uint64{0x1234}, "0000000000001234", 16},
		{"%ps", []uint64{0x1234}, "0x1234", 6},
		{"%pB", []uint64{0x1234}, "0x1234", 6},
		{"none\x00%", nil, "none", 4},
		{"", nil, "", 0},
		{"%d %d %d %d", nil, "", invalid},
		{"fine %", nil, "", invalid},
		{"%q", nil, "", invalid},
		{"%pi4", nil, "", invalid},
		{"%.3s", nil, "", invalid},
		{"%llld", nil, "", invalid},
		{"%lc", nil, "", invalid},
		{"%sx", []uint64{at}, "", invalid},
		{"%s\x80", []uint64{at}, "", invalid},
		{"%5%", nil, "", invalid},
		{"\a", nil, "", invalid},
		{"\x7f", nil, "", invalid},
		{"\x80\xff", nil, "\x80\xff", 2},
		{"%05c|%-05d|%+ d", []uint64{'c', 7, 8}, "    c|7    |+8", 14},
		{"%pxd", []uint64{1}, "0000000000000001", 16}, // the kernel skips the d as well
	} {
		if got, ret := tr.print(tt.format, "text", 512, tt.args...); got != tt.want || ret != tt.ret {
			t.Errorf("%q: %q, %d; want %q, %d", tt.format, got, ret, tt.want, tt.ret)
		}
	}
	for size, want := range map[int]int64{4: invalid, 5: 4, 0: invalid, 1: invalid} {
		if got, ret := tr.print("text", "", size); ret != want {
			t.Errorf("the first %d bytes: %q, %d; want %d", size, got, ret, want)
		}
	}
	// Lines that are cut off, and a string that does not end in its value.
	if got, ret := tr.print("%800d%800dx", "", 512, 1, 2); len(got) != maxLine || ret != 1601 {
		t.Errorf("%d bytes printed, returned %d", len(got), ret)
	}
	if got, ret := tr.print("%s", strings.Repeat("y", 2048-textAt), 512, at); len(got) != maxText || ret != maxText {
		t.Errorf("%d bytes printed, returned %d", len(got), ret)
	}
	if got, ret := tr.print("%s|", strings.Repeat("y", 2048-textAt), 512, at+2048-textAt-20); got != "|" || ret != 1 {
		t.Errorf("a string that ends with its value: %q, %d", got, ret)
	}
}

// FuzzFormat looks for formats that break the printer.
func FuzzFormat(f *testing.F) {
	f.Add([]byte("%d%-5lld%pks"), uint64(1))
	f.Add([]byte("%px%s%"), uint64(tracerString))
	f.Add([]byte("%99999999999999999999d% +-0%c"), uint64(7))
	f.Fuzz(func(t *testing.T, format []byte, arg uint64) {
		var line [maxLine]byte
		p := printer{h: &Host{}, c: &exec.HelperCall{}, out: line[:0], text: new([maxText]byte), args: []uint64{arg, arg, arg}}
		ok := p.print(format)
		if len(p.out) > maxLine || p.n < len(p.out) || ok && !bytes.Contains(format, []byte{'%'}) && p.n != len(format) {
			t.Fatalf("%q: %d bytes put out, %d counted", format, len(p.out), p.n)
		}
	})
}

// TestEndsWord: a letter or a digit goes on with a word, and so do the control characters of Latin-1.
func TestEndsWord(t *testing.T) {
	for c, ends := range map[byte]bool{0x7f: true, 0x80: false, 0x9f: false, 0xa0: true, ' ': true, 'a': false, '9': false} {
		if got := endsWord([]byte{'d', c}, 1) == 1; got != ends {
			t.Errorf("%#x ends a word: %v", c, got)
		}
	}
}
