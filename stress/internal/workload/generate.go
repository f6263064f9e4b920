package workload

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
)

const (
	generatedMap = "jmp_table"
	// Bounds of a generated workload: each direct site is a descriptor, and outcomes are
	// few enough to be told apart.
	maxSites    = 64
	maxPrograms = 32
	MaxKeys     = 16
)

// savedRegisters are the callee-saved registers of eBPF. The more a function uses, the
// longer is the unwind between its slots.
var savedRegisters = []asm.Register{asm.R6, asm.R7, asm.R8, asm.R9}

// alignedRegisters is how many of them an entry uses whose slots must lie in aligned
// words: with a stack, the two slots of its sites are then 16 bytes apart.
const alignedRegisters = 2

// Generate makes a workload of the given shape: an entry with all four callee-saved
// registers, or two if its slots must lie in aligned words, and a stack word, which come
// back into its result, so that losing any of them shows; and programs that return a
// number each.
func Generate(s protocol.Shape, aligned bool) (*Workload, error) {
	for _, b := range []struct {
		what     string
		got, max int
	}{{"keys", s.Keys, MaxKeys}, {"programs", s.Programs, maxPrograms}, {"sites", s.Sites, maxSites}} {
		if b.got < 1 || b.got > b.max {
			return nil, fmt.Errorf("%d %s: want 1 to %d", b.got, b.what, b.max)
		}
	}
	if s.Keys > s.Sites {
		return nil, fmt.Errorf("%d keys for %d sites: a key without a site changes nothing", s.Keys, s.Sites)
	}
	w := &Workload{Maps: map[string]int{generatedMap: s.Keys}, Context: generatedContext(), Source: Source{Shape: s, Aligned: aligned}}
	var err error
	saved := savedRegisters
	if aligned {
		saved = saved[:alignedRegisters]
	}
	if w.Entry, err = jit.Parse("entry", generatedEntry(s, saved)); err != nil {
		return nil, err
	}
	for i := range s.Programs {
		p, err := jit.Parse(fmt.Sprintf("p%d", i), generatedProgram(i))
		if err != nil {
			return nil, err
		}
		w.Programs = append(w.Programs, p)
	}
	for i := range s.Keys {
		w.Keys = append(w.Keys, protocol.Key{Map: generatedMap, Index: i})
	}
	return w, nil
}

// generatedType is the type of the programs. Their context is a struct __sk_buff, of which they
// read cb: words that whoever runs them is free to choose, in a kernel too.
const (
	generatedType = ebpf.SchedCLS
	generatedCB   = 48 // its offset
	generatedWord = 4
)

// generatedContext has five words in cb, none of which is a sum of others.
func generatedContext() Context {
	c := ContextOf(generatedType, DefaultPacket())
	for i := range 5 {
		binary.LittleEndian.PutUint32(c.Bytes[generatedCB+generatedWord*i:], 1<<(8+4*i))
	}
	return c
}

func generatedEntry(s protocol.Shape, saved []asm.Register) asm.Instructions {
	insns := asm.Instructions{loadCB(asm.R2, asm.R1, 4).WithSymbol("entry")}
	insns = append(insns, asm.StoreMem(asm.RFP, -8, asm.R2, asm.DWord))
	for _, r := range saved {
		insns = append(insns, asm.Mov.Reg(r, asm.R1))
	}
	for i := range s.Sites {
		insns = append(insns,
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.LoadMapPtr(asm.R2, 0).WithReference(generatedMap),
			asm.Mov.Imm(asm.R3, int32(i%s.Keys)),
			asm.FnTailCall.Call(),
		)
	}
	insns = append(insns, asm.LoadMem(asm.R0, asm.RFP, -8, asm.DWord))
	for i, r := range saved {
		insns = append(insns, loadCB(asm.R1, r, i), asm.Add.Reg(asm.R0, asm.R1))
	}
	return append(insns, asm.Return())
}

func generatedProgram(i int) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1).WithSymbol(fmt.Sprintf("p%d", i)),
		loadCB(asm.R0, asm.R6, 0),
		asm.Add.Imm(asm.R0, int32(1+i)),
		asm.Return(),
	}
}

// loadCB loads a word of cb from a context.
func loadCB(dst, ctx asm.Register, i int) asm.Instruction {
	return asm.LoadMem(dst, ctx, int16(generatedCB+generatedWord*i), asm.Word)
}

// generatedCollection is what a kernel loads for a generated workload.
func (w *Workload) generatedCollection() *ebpf.CollectionSpec {
	spec := &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{generatedMap: {
			Name: generatedMap, Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: uint32(w.Maps[generatedMap]),
		}},
		Programs: map[string]*ebpf.ProgramSpec{},
	}
	for _, p := range w.all() {
		spec.Programs[p.Name] = &ebpf.ProgramSpec{Name: p.Name, Type: generatedType, License: "GPL", Instructions: slices.Clone(p.Insns)}
	}
	return spec
}
