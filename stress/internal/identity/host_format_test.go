package identity

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// What bpf_trace_printk prints cannot be read back. The kernel's bpf_snprintf formats in the same
// way, into memory: it is the oracle of the text, and bpf_trace_printk itself of what is returned.

const (
	formatSize = 512 // of the value that holds the format, and after it the strings
	stringsAt  = 256
	invalid    = -22
	readOnly   = 1 << 7 // BPF_F_RDONLY_PROG
)

// formatStrings are what %s prints, at stringsAt and each 32 bytes further.
var formatStrings = []string{"word", "", "a longer word", "50%\t\xff."}

// An argument is a number, or the string of a number.
type argument struct {
	number   uint64
	isString bool
}

func formatValue(format string) []byte {
	v := make([]byte, formatSize)
	copy(v, format)
	for i, s := range formatStrings {
		copy(v[stringsAt+32*i:], s)
	}
	return v
}

// give makes a register an argument. The format's map is named, or has a number.
func (a argument) give(r asm.Register, format func(asm.Register, uint32) asm.Instruction) asm.Instruction {
	if a.isString {
		return format(r, uint32(stringsAt+32*(a.number%uint64(len(formatStrings)))))
	}
	return asm.LoadImm(r, int64(a.number), asm.DWord)
}

// print formats natively.
func (w *twin) print(format string, args [3]argument) (text string, ret int32) {
	w.t.Helper()
	if err := w.ours.Host.Map("format").Put(wordOf(0)[:4], formatValue(format)); err != nil {
		w.t.Fatal(err)
	}
	w.printed = ""
	ret = int32(w.natively(fmt.Sprintf("format %q", format), tracing(format, args, func(r asm.Register, off uint32) asm.Instruction {
		return asm.LoadMapValue(r, 0, off).WithReference("format")
	})))
	return w.printed, ret
}

// tracing is a program that calls bpf_trace_printk.
func tracing(format string, args [3]argument, at func(asm.Register, uint32) asm.Instruction) asm.Instructions {
	insns := asm.Instructions{at(asm.R1, 0), asm.Mov.Imm(asm.R2, int32(len(format)+1))}
	for i, a := range args {
		insns = append(insns, a.give(asm.R3+asm.Register(i), at))
	}
	return append(insns, asm.FnTracePrintk.Call(), asm.Return())
}

// frozen makes a map that the verifier knows not to change.
func frozen(t testing.TB, value []byte) *ebpf.Map {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: formatSize, MaxEntries: 1, Flags: readOnly})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Put(uint32(0), value), m.Freeze()); err != nil {
		t.Fatal(err)
	}
	return m
}

// printInKernel formats with bpf_snprintf, and returns what bpf_trace_printk does.
func (w *twin) printInKernel(format string, args [3]argument) (text string, ret int32) {
	w.t.Helper()
	m := frozen(w.t, formatValue(format))
	defer m.Close()
	at := func(r asm.Register, off uint32) asm.Instruction { return asm.LoadMapValue(r, m.FD(), off) }
	ret = w.runAlone(format, tracing(format, args, at))
	if ret < 0 {
		return "", ret
	}
	text, n := w.snprintf(format, args, at)
	if n != ret+1 { // it counts the zero, too
		w.t.Errorf("%q: the kernel's bpf_snprintf returns %d, its bpf_trace_printk %d", format, n, ret)
	}
	return text, ret
}

// snprintf formats in the kernel.
func (w *twin) snprintf(format string, args [3]argument, at func(asm.Register, uint32) asm.Instruction) (string, int32) {
	w.t.Helper()
	text, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 2048, MaxEntries: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	defer text.Close()
	var insns asm.Instructions
	for i, a := range args {
		insns = append(insns, a.give(asm.R0, at), asm.StoreMem(asm.R10, int16(-24+8*i), asm.R0, asm.DWord))
	}
	insns = append(insns,
		asm.LoadMapValue(asm.R1, text.FD(), 0), asm.Mov.Imm(asm.R2, 2048), at(asm.R3, 0),
		asm.Mov.Reg(asm.R4, asm.R10), asm.Add.Imm(asm.R4, -24), asm.Mov.Imm(asm.R5, 24),
		asm.FnSnprintf.Call(), asm.Return())
	n := w.runAlone(format, insns)
	b, err := text.LookupBytes(uint32(0))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b[:max(0, min(int(n)-1, len(b)))]), n
}

// runAlone runs a program in the kernel, with maps that exist already.
func (w *twin) runAlone(what string, insns asm.Instructions) int32 {
	w.t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: insns})
	if err != nil {
		w.t.Fatalf("%q: %+v", what, err)
	}
	defer p.Close()
	ret, err := p.Run(&ebpf.RunOptions{Data: w.packet})
	if err != nil {
		w.t.Fatalf("%q: %v", what, err)
	}
	return int32(ret)
}

// agree formats both ways.
func (w *twin) agree(format string, args [3]argument) {
	w.t.Helper()
	theirs, want := w.printInKernel(format, args)
	ours, got := w.print(format, args)
	if got != want {
		w.t.Errorf("%q %v: the kernel returns %d, we %d", format, args, want, got)
	}
	if ours != theirs {
		w.t.Errorf("%q %v: the kernel prints %q, we %q", format, args, theirs, ours)
	}
}

// TestFormatsAgreeWithKernel has each conversion and each way to get it wrong.
func TestFormatsAgreeWithKernel(t *testing.T) {
	compiler(t)
	w := newTwin(t, twinPacket())
	numbers := [3]argument{{number: 1<<63 | 5}, {number: 0xfffffffe}, {number: 66}}
	for _, format := range []string{
		"", "text", "%%", "a%%b", "%d", "%d %d %d", "%i", "%u", "%x", "%X", "%ld", "%lld", "%lu", "%llu", "%lx", "%llX", "%li",
		"%5%", "%l%", "%", "%l", "%5", "%ll", "%llld", "%d %d %d %d", "%%%d%%",
		"%c", "%5c", "%-5cx", "%c%c%c", "%lc", "%05c", "%o", "%f", "%n", "%q", "%hd", "%hhd", "%zd", "%#x", "%.3d", "%*d", "%1$d",
		"%5d", "%-5d|", "%05d", "%+d", "% d", "%+05d", "%-05d|", "%- 5d|", "%+ d", "%020lld", "%+20lld", "% 020lld|", "%-20lldx", "%00005d",
		"%+u", "%+x", "%08x", "%-8X|", "% x", "%20llx", "%8lu|%-8lu|%08lu|", "%0d", "%-d", "%100d", "%300d",
		"%px", "%20px", "%-20px|", "%p4", "%pq", "%px%", "%pxd", "%px d", "%pi", "%pk", "%ps", "%pS|", "%pB", "%20ps|", "%-25pS|", "%040pB|", "%psx1|", "%025px|", "%-025px|", "%0px", "%20pB|", "%-30pB|", "%030ps|", "%030pS|", "%-px", "%3px",
		"%300d%300d%300d", "%-300d|%300llx|%0300u",
		"line\n", "tab\t\v\f\r", "bell\a", "\x1b[0m", "\x80", "caf\xc3\xa9", "\x7f", "%s\xe9", "%s\x80", "%s\xa1|", "%s\xa0|", "%s\xd7", "%px\xe9|", "%px\x80|", "%px\xbf|", "%d\xe9", "%\xe9", "\x01", "\x1f", "\xff\xfe", "cut\x00 off %d", "cut\x00", "\x00",
		"%s1", "%d1", "%dx", "%ld%lld%lx",
	} {
		w.agree(format, numbers)
	}
	for i := range uint64(len(formatStrings)) {
		for _, format := range []string{"%s", "<%s>", "%20s|", "%-20s|", "%020s|", "%3s|", "%s %d %s", "%+s", "% s", "%ls", "%sx", "%s_", "%s%s", "%pks", "%pks|", "%20pks|", "%pk", "%s%%"} {
			w.agree(format, [3]argument{{i, true}, {number: 7}, {i + 1, true}})
		}
	}
	w.agree("%s", [3]argument{})             // nothing is there
	w.agree("%s|", [3]argument{{number: 8}}) // nor there
	w.agree("%pks|%pus|", [3]argument{{number: 8}, {number: 8}})
	// Addresses that are hashed, and lines that are cut off: how long they are.
	for _, format := range []string{"%p", "%p|", "%20p|", "%-20p|", "%pK", "%25pK|", "%025p", "%1023d", "%1024d", "%2000d", "%-900d%900d", "%9000000d"} {
		_, want := w.printInKernel(format, numbers)
		if _, got := w.print(format, numbers); got != want {
			t.Errorf("%q: the kernel returns %d, we %d", format, want, got)
		}
	}
	w.agree("%p|", [3]argument{}) // null is not hashed
}

// randomFormat draws a format, most of which are good, and its arguments.
func randomFormat(r *rand.Rand) (string, [3]argument) {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var b strings.Builder
	var args [3]argument
	for i := range args {
		args[i].number = r.Uint64() >> r.IntN(64)
		if r.IntN(2) == 0 {
			args[i].number = -args[i].number
		}
	}
	used := 0
	for range r.IntN(5) {
		b.WriteString(pick("", "", " ", "x", "|", "%%", "1", "l"))
		if used == 3 && r.IntN(8) != 0 {
			break
		}
		b.WriteByte('%')
		for range r.IntN(3) {
			b.WriteString(pick("0", "-", "+", " "))
		}
		b.WriteString(pick("", "", "3", "12", "25"))
		verb := pick("d", "i", "u", "x", "X", "ld", "li", "lu", "lx", "lX", "lld", "llu", "llx", "c", "s", "px", "s", "lc", "q", "ls")
		if used < 3 && verb == "s" {
			args[used].isString = true
		}
		used++
		b.WriteString(verb)
	}
	return b.String(), args
}

// TestRandomFormats draws formats.
func TestRandomFormats(t *testing.T) {
	compiler(t)
	w := newTwin(t, twinPacket())
	drawn := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(drawn, 0))
	good, n := 0, 0
	for ; n < many(3000) && !t.Failed(); n++ {
		format, args := randomFormat(r)
		w.agree(format, args)
		if w.printed != "" {
			good++
		}
	}
	t.Logf("seed %#x: %d formats, of which %d print something", drawn, n, good)
	if good == 0 {
		t.Error("nothing was printed")
	}
}
