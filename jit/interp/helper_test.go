package interp

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// TestEveryHelperIsKnown calls every helper without arguments: those that need some say so,
// and none is unknown.
func TestEveryHelperIsKnown(t *testing.T) {
	for _, h := range jit.Helpers() {
		if h >= jit.LoadPacket8 && h <= jit.LoadPacket32 {
			continue // have an instruction of their own
		}
		call := asm.Instruction{OpCode: asm.Call.Op(asm.ImmSource), Constant: int64(h)}
		_, err := runIn(t, mapWorld(), asm.Mov.Imm(asm.R1, 0), asm.Mov.Imm(asm.R2, 0), call, exit)
		if err != nil && strings.Contains(err.Error(), "is not known here") {
			t.Errorf("%v: %v", h, err)
		}
	}
}

func TestHelpersClobber(t *testing.T) {
	for r := asm.R1; r <= asm.R5; r++ {
		refusesIn(t, mapWorld(), "insn 2 (MovReg dst: r0 src: "+r.String()+"): reads what was never written",
			asm.Mov.Imm(r, 1), asm.FnKtimeGetNs.Call(), asm.Mov.Reg(asm.R0, r), exit)
	}
	wantIn(t, mapWorld(), 7, asm.Mov.Imm(asm.R6, 7), asm.FnKtimeGetNs.Call(), asm.Mov.Reg(asm.R0, asm.R6), exit)
}

func TestTimeChanceAndProcessor(t *testing.T) {
	w := mapWorld()
	for call, want := range map[asm.BuiltinFunc]uint64{
		asm.FnKtimeGetNs: 1 << 40, asm.FnGetPrandomU32: 0xfffffff0, asm.FnGetSmpProcessorId: 3,
	} {
		wantIn(t, w, 0, call.Call(), exit)
		told := w
		told.Now, told.Random, told.CPU = 1<<40, 0xfffffff0, 3
		wantIn(t, told, want, call.Call(), exit)
	}
}

// probe calls bpf_probe_read of n bytes to fp-16, which holds ones, and returns what it gives if
// that is not zero, or what it left.
func probe(n int32, src ...any) asm.Instructions {
	return seq(storeWide(asm.R10, -16, -1), storeWide(asm.R10, -8, 0x55),
		seq(src...), at(asm.R1, -16), asm.Mov.Imm(asm.R2, n), asm.FnProbeReadKernel.Call(),
		asm.JNE.Imm(asm.R0, 0, "out"), asm.LoadMem(asm.R0, asm.R10, -16, asm.DWord), exit.WithSymbol("out"))
}

func TestProbeRead(t *testing.T) {
	w := mapWorld()
	w.Ctx[3] = 0x77
	w.Probe = func(addr uint64, dst []byte) bool {
		for i := range dst {
			dst[i] = byte(addr) + byte(i)
		}
		return addr == 0x1010
	}
	put(t, w.Maps[".bss"], key4(0), append(key8(0x1234), key8(0)...))
	rest := ^uint64(0)
	wantIn(t, w, 0x55, probe(8, at(asm.R3, -8)))
	wantIn(t, w, rest<<8|0x77, probe(1, asm.Mov.Reg(asm.R3, asm.R1), asm.Add.Imm(asm.R3, 3)))
	wantIn(t, w, rest<<16|0x1234, probe(2, valuePtr(asm.R3, ".bss", 0)))
	wantIn(t, w, rest<<24|0x121110, probe(3, asm.Mov.Imm(asm.R3, 0x1010)))
	wantIn(t, w, rest, probe(0, asm.Mov.Imm(asm.R3, 0x1010)))
	wantIn(t, w, minus(erange), probe(8, asm.Mov.Imm(asm.R3, 0x1020)))
	wantIn(t, w, minus(erange), probe(0, asm.Mov.Imm(asm.R3, 0x1020)))
	wantIn(t, w, minus(efault), probe(8, asm.LoadImm(asm.R3, userEnd, asm.DWord)))
	wantIn(t, w, rest, probe(0, asm.LoadImm(asm.R3, userEnd, asm.DWord)))
	for fn, want := range map[asm.BuiltinFunc]errno{asm.FnProbeRead: efault, asm.FnProbeReadUser: efault, asm.FnProbeReadKernel: erange} {
		wantIn(t, w, minus(want), at(asm.R1, -8), asm.Mov.Imm(asm.R2, 3), asm.Mov.Imm(asm.R3, 0), fn.Call(), exit)
		failed := seq(storeWide(asm.R10, -8, -1), at(asm.R1, -8), asm.Mov.Imm(asm.R2, 3), asm.Mov.Imm(asm.R3, 0),
			fn.Call(), asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), exit)
		wantIn(t, w, rest<<24, failed)
		wantIn(t, mapWorld(), rest<<24, failed) // nothing to probe
	}
	refusesIn(t, w, "r1: access is outside", probe(17, asm.Mov.Imm(asm.R3, 0)))
	refusesIn(t, w, "r1: access is outside", probe(-1, asm.Mov.Imm(asm.R3, 0)))
	refusesIn(t, w, "r3: access is outside", probe(8, at(asm.R3, -4)))
	refusesIn(t, w, "r3: reads what was never written", probe(8))
	refusesIn(t, w, "r3: reads memory through the address of a map", probe(8, mapPtr(asm.R3, "hash")))
	refusesIn(t, w, "writes memory through a number",
		asm.Mov.Imm(asm.R1, 0), asm.Mov.Imm(asm.R2, 1), asm.Mov.Imm(asm.R3, 0), asm.FnProbeRead.Call(), exit)
}

// TestPrintkBoundsStrings: as long as the kernel prints strings they are printed.
func TestPrintkBoundsStrings(t *testing.T) {
	call := seq(asm.Mov.Imm(asm.R3, 0), storeWide(asm.R10, -8, 's'<<8|'%'), at(asm.R1, -8), asm.Mov.Imm(asm.R2, 3), asm.FnTracePrintk.Call(), exit)
	w, length := mapWorld(), uint64(maxString-1)
	w.Probe = func(addr uint64, dst []byte) bool {
		dst[0] = 'x'
		if addr == length {
			dst[0] = 0
		}
		return true
	}
	wantIn(t, w, maxString-1, call)
	length++
	refusesIn(t, w, "a string of more than 511 bytes", call)
}

// TestPrintk prints a format of up to 16 bytes.
func TestPrintk(t *testing.T) {
	text := valuePtr(asm.R3, ".bss", 0)
	for _, tt := range []struct {
		format string
		args   asm.Instructions
		want   string // printed; or after a !, the error
	}{
		{"plain\n", nil, "plain\n"},
		{"", nil, ""},
		{"%d|%d", seq(asm.Mov.Imm(asm.R3, -5), asm.LoadImm(asm.R4, 1<<32|7, asm.DWord)), "-5|7"},
		{"%i %u", seq(asm.Mov.Imm(asm.R3, -5), asm.Mov.Imm(asm.R4, -1)), "-5 4294967295"},
		{"%x%X", seq(asm.Mov.Imm(asm.R3, -5), asm.Mov.Imm(asm.R4, 171)), "fffffffbAB"},
		{"%lx %ld %llu", seq(asm.LoadImm(asm.R3, 1<<40, asm.DWord), asm.Mov.Imm(asm.R4, -1), asm.Mov.Imm(asm.R5, -1)),
			"10000000000 -1 18446744073709551615"},
		{"100%%%c", seq(asm.Mov.Imm(asm.R3, 'x')), "100%x"},
		{"<%s>", seq(text), "<hello>"},
		{"<%s>", seq(asm.Mov.Imm(asm.R3, 0)), "<>"},
		{"<%s>", seq(asm.Mov.Imm(asm.R3, 0x100)), "<ab>"},
		{"<%s>", seq(asm.Mov.Imm(asm.R3, 0x200)), "<>"},
		{"%p.", seq(asm.Mov.Reg(asm.R3, asm.R10)), "(____ptrval____)."},
		{"%d%d%d%d", seq(asm.Mov.Imm(asm.R3, 1), asm.Mov.Imm(asm.R4, 1), asm.Mov.Imm(asm.R5, 1)), "!-22"},
		{"%", nil, "!-22"},
		{"%l", nil, "!-22"},
		{"a\x80", nil, "!format is not supported: byte 0x80"},
		{"a\x7f", nil, "!-22"},
		{"%y", nil, "!-22"},
		{"%l%", nil, "!-22"},
		{"%sx", seq(text), "!-22"},
		{"%s,", seq(text), "hello,"},
		{"%+d", seq(asm.Mov.Imm(asm.R3, 1)), "!format is not supported"},
		{"a\x01", nil, "!-22"},
		{"0123456789abcdef", nil, "!-22"}, // the zero byte is missing
		{"%lc", seq(asm.Mov.Imm(asm.R3, 1)), "!-22"},
		{"%5d", seq(asm.Mov.Imm(asm.R3, 1)), "!format is not supported: \"%5\""},
		{"%pK", seq(asm.Mov.Imm(asm.R3, 1)), "!format is not supported"},
		{"%p9", seq(asm.Mov.Imm(asm.R3, 1)), "!format is not supported"},
		{"%s9", seq(text), "!-22"},
		{"%d", seq(asm.Mov.Reg(asm.R3, asm.R10)), "!computes with an address"},
		{"%d", nil, "!r3: reads what was never written"},
		{"%s", seq(asm.Mov.Reg(asm.R3, asm.R10)), "!access is outside"},
	} {
		t.Run(tt.format, func(t *testing.T) {
			w := mapWorld()
			var got string
			w.Trace = func(s string) { got += s }
			w.Probe = func(addr uint64, dst []byte) bool { // a string, and a byte without an end
				copy(dst, map[uint64]string{0x100: "a", 0x101: "b", 0x200: "c"}[addr])
				return addr >= 0x100 && addr <= 0x102 || addr == 0x200
			}
			put(t, w.Maps[".bss"], key4(0), append([]byte("hello"), make([]byte, 11)...))
			put(t, w.Maps[".rodata"], key4(0), append([]byte(tt.format), make([]byte, 16-len(tt.format))...))
			call := seq(tt.args, valuePtr(asm.R1, ".rodata", 0), asm.Mov.Imm(asm.R2, 16), asm.FnTracePrintk.Call(), exit)
			switch want, bad := strings.CutPrefix(tt.want, "!"); {
			case want == "-22":
				wantIn(t, w, minus(einval), call)
			case bad:
				refusesIn(t, w, want, call)
			default:
				wantIn(t, w, uint64(len(want)), call)
				if got != want {
					t.Errorf("printed %q, want %q", got, want)
				}
				w.Trace = nil
				wantIn(t, w, uint64(len(want)), call)
			}
		})
	}
}
