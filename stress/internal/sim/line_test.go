package sim

import (
	"testing"

	"github.com/cilium/ebpf/asm"
)

// srcLine is what the library gives as an instruction's source.
type srcLine uint32

func (l srcLine) FileName() string   { return "main.c" }
func (l srcLine) Line() string       { return "" }
func (l srcLine) LineNumber() uint32 { return uint32(l) }
func (l srcLine) String() string     { return "" }

// TestWitnessNamesLines: a step may execute many lines, of which one breaks the property.
func TestWitnessNamesLines(t *testing.T) {
	c := direct(t, 1, 1, 1)
	insns := append([]asm.Instruction{asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R7, 0)}, tailCall(0)...)
	site := len(insns) - 1
	insns = append(insns, asm.Mov.Imm(asm.R0, 0), asm.LoadMem(asm.R0, asm.R7, 0, asm.DWord), asm.Return())
	for i, line := range map[int]srcLine{0: 30, 2: 41, site + 1: 42, site + 2: 43} {
		insns[i] = insns[i].WithSource(line)
	}
	c.Entry = parse(t, "entry", insns...)
	w := check(t, c).Witness
	last := w.Steps[len(w.Steps)-1]
	for name, is := range map[string][2]string{
		"the program":        {w.Sources[0].Short(), "main.c:30"},
		"the other one":      {w.Sources[1].Short(), ""},
		"the site":           {w.Sites[0].Source.Short(), "main.c:41"},
		"the last step":      {last.Code.At.Source.Short(), "main.c:41"},
		"where it breaks":    {w.BrokenAt().Short(), "main.c:43"},
		"where a thread was": {w.Steps[len(w.Steps)-2].Threads[0].Source.Short(), "main.c:41"},
	} {
		if is[0] != is[1] {
			t.Errorf("%s is of %q, want %q", name, is[0], is[1])
		}
	}
}
