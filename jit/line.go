package jit

import (
	"fmt"
	"sort"

	"tailpoke/internal/source"
)

// findLines notes the source line of each instruction: its own, or that of the nearest one before it
// in its function, which is how the kernel's verifier reads line information.
func (p *Program) findLines() {
	var first, now source.Line // of the function
	after := source.Place{}    // its own line before this one
	for i := range p.Insns {
		if p.Insns[i].Symbol() != "" { // a function begins
			first, now, after = source.Line{}, source.Line{}, source.Place{}
		}
		if l := source.Of(p.Insns[i].Source()); l.Known() {
			if p.lines == nil {
				p.lines = make([]source.Line, len(p.Insns))
			}
			if now = l; !first.Known() {
				first = l
			}
			if now.File == first.File && now.Number >= first.Number {
				after = now.Place
			} else {
				now.After = after
			}
		}
		if p.lines != nil {
			p.lines[i] = now
		}
	}
	for i := range p.lines {
		if p.lines[i].After.Known() {
			p.lines[i].Before = p.lineBehind(i)
		}
	}
}

// lookAhead is how many instructions are looked at for a function's own line.
const lookAhead = 256

// lineBehind is the function's own line behind instruction i, which is inlined: the first that is greater
// than the one before it. Code of that line may go on behind it.
func (p *Program) lineBehind(i int) source.Place {
	after := p.lines[i].After
	for j := i + 1; j < min(len(p.lines), i+lookAhead) && p.Insns[j].Symbol() == ""; j++ {
		if l := p.lines[j]; !l.After.Known() && l.File == after.File && l.Number > after.Number {
			return l.Place
		}
	}
	return source.Place{}
}

// Line is the source line of instruction i; none where the object file names none.
func (p *Program) Line(i int) source.Line {
	if p.lines == nil {
		return source.Line{}
	}
	return p.lines[i]
}

// Place names instruction i for people: "insn 12 (Exit) at prog.c:41".
func (p *Program) Place(i int) string {
	text := fmt.Sprintf("insn %d (%v)", i, p.Insns[i])
	if at := p.Line(i).Short(); at != "" {
		text += " at " + at
	}
	return text
}

// Line is the source line of the machine code at an offset; none where there is no code. A prologue
// is of its function's first line.
func (img *Image) Line(at Off) source.Line {
	if int(at) >= len(img.Code) {
		return source.Line{}
	}
	p := img.Program
	insn := sort.Search(len(p.Insns), func(i int) bool { return img.Insns[i] > at }) - 1
	f := sort.Search(len(img.Funcs), func(f int) bool { return img.Funcs[f].Off > at }) - 1
	return p.Line(max(insn, p.Funcs[f].First))
}
