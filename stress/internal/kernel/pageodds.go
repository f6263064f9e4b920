package kernel

import (
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/identity"
)

// How a kernel places a function, as far as a search makes use of it; the search is slower where it
// is otherwise. One that packs programs (5.18) takes the first room of whole steps that is free,
// and a place in it by chance, behind a header. An older one gives a function as many pages as it
// needs with a header and some spare room, and a place in them by chance.
const (
	packStep  = 64
	packHead  = 8
	packTrap  = 16 // and at least so many bytes of traps
	packAlign = 4
	pageSpare = 132 // of a function that just does not fit a page
)

func roundUp(n, step uint64) uint64 { return (n + step - 1) / step * step }

// odds is the chance, from 0 to 1, that the window of a site that is wanted lies across a page when
// a kernel packs the image behind an address: that of the best of its functions.
func odds(img *identity.Image, wanted []bool, behind uint64) (best float64) {
	next := roundUp(behind, packStep)
	at := addrsOf(img)
	for f, fn := range img.Funcs {
		whole := roomOf(fn.Size)
		hole := min(whole-packHead-uint64(fn.Size), packStep-packHead)
		here := slices.Clone(wanted) // of this function alone
		for i, s := range img.Sites {
			here[i] = here[i] && s.Func == f
		}
		hits, places := 0, 0
		for off := uint64(0); off < hole; off += packAlign {
			places++
			if at[f] = next + packHead + off; crosses(img, here, at) {
				hits++
			}
		}
		best = max(best, float64(hits)/float64(places))
		next += whole
	}
	return best
}

// roomOf is how much room a function of so many bytes takes.
func roomOf(size int) uint64 { return roundUp(packHead+packTrap+uint64(size), packStep) }

// room is where the room of a function begins that lies at an address.
func room(at uint64) uint64 { return at &^ (packStep - 1) }

// stepsTo is how many steps behind an address a copy has the odds at least, or 0 where none has.
func stepsTo(img *identity.Image, wanted []bool, behind uint64, least float64) int {
	for n := range 1 << pageShift / packStep {
		if odds(img, wanted, behind+uint64(n)*packStep) >= least {
			return n
		}
	}
	return 0
}

// filler is a program that takes so many steps of room. Without instructions it takes 19 to 40
// bytes.
func filler(steps int) *ebpf.ProgramSpec {
	insns := asm.Instructions{asm.Mov.Imm(asm.R0, 0)}
	for range (steps*packStep - packHead - packTrap - 40) / padInsn {
		insns = append(insns, asm.Mov.Imm(asm.R0, 1))
	}
	return &ebpf.ProgramSpec{Type: ebpf.SocketFilter, License: "GPL", Instructions: append(insns, asm.Return())}
}

// bestOdds are those behind the best address.
func bestOdds(img *identity.Image, wanted []bool) (best float64) {
	for behind := uint64(0); behind < 1<<pageShift; behind += packStep {
		best = max(best, odds(img, wanted, 1<<pageShift+behind))
	}
	return best
}

const (
	padInsn = 5  // bytes of machine code: mov eax, imm32
	padMost = 24 // instructions: more than a step
	// goodOdds are enough. With less, a caller that is somewhat longer may lie better.
	goodOdds = 0.5
)

// padToOdds chooses how many instructions to put in front of the entry, and says which odds to wait
// for. At steps of 64 bytes, sites of many a caller cannot lie across a page; those of one that is
// a few bytes longer can.
func padToOdds(img *identity.Image, wanted []bool, own int) (pad int, least float64) {
	best := 0.0
	for n := range padMost {
		if got := bestOdds(lengthened(img, own, n), wanted); got > best {
			if best, pad = got, n; best >= goodOdds {
				break
			}
		}
	}
	return pad, best * 0.75
}

// lengthened is about the image of a copy with so many instructions in front of function own.
func lengthened(img *identity.Image, own, pad int) *identity.Image {
	if pad == 0 {
		return img
	}
	by := (1 + pad) * padInsn // the jump over them takes as much
	out := &identity.Image{Funcs: slices.Clone(img.Funcs), Sites: slices.Clone(img.Sites)}
	out.Funcs[own].Size += by
	for i := range out.Sites {
		if s := &out.Sites[i]; s.Func == own {
			s.Slots[protocol.Bypass].Addr += uint64(by)
			s.Slots[protocol.Target].Addr += uint64(by)
		}
	}
	return out
}

// padToPage is how many instructions make a function just not fit a page.
func padToPage(size int) int { return max(0, (1<<pageShift-pageSpare+padInsn-size)/padInsn) }

// padded is the spec of a copy of the entry with so many instructions in front that are jumped
// over: no stack lies at 0, but the verifier does not know that.
func (l *loaded) padded(checks bool, pad int, conf *Config) *ebpf.ProgramSpec {
	entry := l.entry
	if pad > 0 {
		entry = lengthen(entry, pad)
	}
	switch {
	case !checks:
		return entry
	case pad == 0:
		return l.checking
	}
	return checking(entry, conf)
}

// lengthen puts instructions in front of a program that are jumped over.
func lengthen(p *ebpf.ProgramSpec, pad int) *ebpf.ProgramSpec {
	const start = "tailpoke_start"
	first := p.Instructions[0]
	skip := asm.JNE.Imm(asm.RFP, 0, start)
	if name := first.Symbol(); name != "" {
		skip = skip.WithSymbol(name)
	}
	if f := btf.FuncMetadata(&first); f != nil {
		skip = btf.WithFuncMetadata(skip, f)
	}
	if line := first.Source(); line != nil {
		skip = skip.WithSource(line)
	}
	insns := asm.Instructions{skip}
	for i := range pad {
		insns = append(insns, asm.Mov.Imm(asm.R0, int32(1+i)))
	}
	insns = append(insns, btf.WithFuncMetadata(first, nil).WithSymbol(start))
	spec := p.Copy()
	spec.Instructions = append(insns, p.Instructions[1:]...)
	return spec
}
