package jit

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
)

// srcLine is what the library gives as an instruction's source.
type srcLine struct {
	file   string
	number uint32
}

func (l srcLine) FileName() string   { return l.file }
func (l srcLine) Line() string       { return "\ttext;" }
func (l srcLine) LineNumber() uint32 { return l.number }
func (l srcLine) String() string     { return "" }

// lined is a program of two functions. Some instructions have lines, of which some are a header's.
func lined() asm.Instructions {
	insns := concat(
		asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1).WithSymbol("main"), asm.Mov.Imm(asm.R7, 1)}, // 0, 1
		tailCallTo("jmp", 0),                    // 2 to 4
		asm.Instructions{asm.Call.Label("sub")}, // 5
		ret(3),                                  // 6, 7
		asm.Instructions{ret(4)[0].WithSymbol("sub"), asm.Return()}, // 8, 9
	)
	for i, l := range map[int]srcLine{
		0: {"/a/main.c", 10}, 1: {"/a/main.c", 12}, 2: {"/a/h.h", 40}, 5: {"/a/main.c", 12}, 6: {"/a/main.c", 15}, 9: {"/a/h.h", 50},
	} {
		insns[i] = insns[i].WithSource(l)
	}
	return insns
}

// TestInstructionsHaveLines: an instruction has its own line, or that of the one before it in its
// function. Of a header's it is known between which of the function's own it stands.
func TestInstructionsHaveLines(t *testing.T) {
	p := mustParse(t, lined())
	inlined := "h.h:40 between main.c:12 and main.c:15: text;"
	for i, want := range []string{
		"main.c:10: text;", "main.c:12: text;", inlined, inlined, inlined, "main.c:12: text;", "main.c:15: text;", "main.c:15: text;", "", "h.h:50: text;",
	} {
		if got := p.Line(i).String(); got != want {
			t.Errorf("insn %d is of %q, want %q", i, got, want)
		}
	}
	if got := p.Line(2).File; got != "/a/h.h" {
		t.Errorf("the file is %q", got)
	}
	insns := lined()
	for i := range insns {
		insns[i] = insns[i].WithSource(nil)
	}
	if p := mustParse(t, insns); p.lines != nil || p.Line(3).Known() {
		t.Error("there is a line of nothing")
	}
}

// TestLineAfterInlinedCode: the function's next own line is looked for among so many instructions, and
// no more.
func TestLineAfterInlinedCode(t *testing.T) {
	for _, inlined := range []int{255, 256} {
		insns := make(asm.Instructions, inlined+2)
		for i := range insns {
			insns[i] = asm.Mov.Imm(asm.R0, 0)
		}
		insns = append(insns, asm.Return())
		insns[0] = insns[0].WithSource(srcLine{"/a/main.c", 10})
		insns[1] = insns[1].WithSource(srcLine{"/a/h.h", 40})
		insns[1+inlined] = insns[1+inlined].WithSource(srcLine{"/a/main.c", 12})
		if found := mustParse(t, insns).Line(1).Before.Known(); found != (inlined < 256) {
			t.Errorf("%d instructions on: found %v", inlined, found)
		}
	}
}

// TestCodeHasLines: so does its machine code, a prologue too.
func TestCodeHasLines(t *testing.T) {
	insns := lined()
	insns[8] = insns[8].WithSource(srcLine{"/a/main.c", 20})
	p := mustParse(t, insns)
	img := mustCompile(t, p, Options{Layout: &V612, Maps: map[string]MapInfo{"jmp": {Addr: 0x7000, MaxEntries: 4}}})
	for off, want := range map[Off]string{
		0: "main.c:10", img.Insns[1]: "main.c:12", img.Sites[0].TailcallTarget: "h.h:40 between main.c:12 and main.c:15",
		img.Insns[6] - 1: "main.c:12", img.Funcs[1].Off: "main.c:20", img.Insns[8] - 1: "main.c:20",
		Off(len(img.Code) - 1): "h.h:50 after main.c:20", Off(len(img.Code)): "",
	} {
		if got := img.Line(off).Short(); got != want {
			t.Errorf("+%#x is of %q, want %q", off, got, want)
		}
	}
}

// TestErrorsNameLines: what is wrong with an instruction is said of its line.
func TestErrorsNameLines(t *testing.T) {
	insns := lined()
	insns[7] = asm.Mov.Imm(asm.R0, 4) // in the place of the exit
	_, err := Parse("test", insns)
	if err == nil || !strings.Contains(err.Error(), " at main.c:15: ") {
		t.Errorf("%v", err)
	}
}
