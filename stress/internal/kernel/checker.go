package kernel

import (
	"encoding/binary"
	"fmt"

	"tailpoke/stress/internal/live"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// BPF_PROG_TEST_RUN executes a program many times, and shows what the last execution returned. So
// that every execution is checked, the entry is called by a program of ours, as a function:
//
//	checker   R6-R9 = canaries; note the phase; call the entry; note the phase again;
//	          is what it returned legal in one of the phases? are R6-R9 still the canaries?
//
// It counts into the row of its CPU, atomically, as another checker may run in its stead meanwhile.
// That makes the entry's sites those of a subprogram. Other callers are the entry as it stands, of
// which the last execution of a call is checked.
//
// Two maps hold what checkers share with the mutator, see phase.go and rows.go.
const (
	checkerName = "tailpoke_check"
	rowsName    = "tailpoke_rows"
	phaseName   = "tailpoke_phase"
)

// What the checker keeps on its stack, by offset from the frame pointer.
const (
	fpKey   = -8
	fpSeq   = -16 // the phase at the start
	fpMask  = -24 // what is legal
	fpKind  = -32 // the operation in progress
	fpValue = -40 // what the entry returned
	fpCtx   = -48
	fpLost  = -56 // not 0: a canary was lost
	fpEnd   = -64 // the phase at the end
)

// checker is the text of the program, in front of the entry's own functions.
func checker(entry string, c *Config) asm.Instructions {
	insns := asm.Instructions{asm.StoreMem(asm.RFP, fpCtx, asm.R1, asm.DWord).WithSymbol(checkerName)}
	for _, part := range []asm.Instructions{
		row("1"), before(), call(entry, c), row("2"), canaries(), after(), judge(c.outcomes()), keepBad(),
	} {
		insns = append(insns, part...)
	}
	// Of some types the verifier allows no other value.
	insns = append(insns, asm.Mov.Imm(asm.R0, 0).WithSymbol("done"), asm.Return().WithSymbol("exit"))
	insns[0] = btf.WithFuncMetadata(insns[0], function(checkerName))
	for i := range insns { // the entry may have functions of any name
		if s := insns[i].Symbol(); s != "" && i > 0 {
			insns[i] = insns[i].WithSymbol(checkerName + "." + s)
		}
		if ref := insns[i].Reference(); ref != "" && insns[i].OpCode.JumpOp() != asm.InvalidJumpOp && ref != entry {
			insns[i] = insns[i].WithReference(checkerName + "." + ref)
		}
	}
	return insns
}

// function describes a function that takes the context and returns an int: the verifier wants to
// know that of a function with a tail call.
func function(name string) *btf.Func {
	return &btf.Func{Name: name, Linkage: btf.StaticFunc, Type: &btf.FuncProto{
		Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
		Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: &btf.Void{}}}},
	}}
}

// row leaves the row of this CPU in R0.
func row(label string) asm.Instructions {
	return asm.Instructions{
		asm.StoreImm(asm.RFP, fpKey, 0, asm.Word),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpKey),
		asm.LoadMapPtr(asm.R1, 0).WithReference(rowsName),
		asm.FnMapLookupElem.Call(),
		asm.JNE.Imm(asm.R0, 0, "row"+label),
		asm.Ja.Label("exit"),
		asm.Mov.Imm(asm.R1, 0).WithSymbol("row" + label),
	}
}

// before takes the canaries and notes the phase, its legal outcomes, and its operation. While the
// phase's entry is being written, for one that is far younger, nothing is known of it.
func before() asm.Instructions {
	return asm.Instructions{
		asm.StoreMem(asm.RFP, fpLost, asm.R1, asm.DWord), // 0, from row
		asm.LoadMem(asm.R6, asm.R0, rowCanary, asm.DWord),
		asm.LoadMem(asm.R7, asm.R0, rowCanary+8, asm.DWord),
		asm.LoadMem(asm.R8, asm.R0, rowCanary+16, asm.DWord),
		asm.LoadMem(asm.R9, asm.R0, rowCanary+24, asm.DWord),
		asm.LoadMapValue(asm.R1, 0, 0).WithReference(phaseName),
		asm.LoadMem(asm.R2, asm.R1, phaseSeq, asm.DWord),
		asm.StoreMem(asm.RFP, fpSeq, asm.R2, asm.DWord),
		asm.Mov.Reg(asm.R3, asm.R2),
		asm.And.Imm(asm.R3, phases-1),
		asm.LSh.Imm(asm.R3, phaseShift),
		asm.Add.Reg(asm.R1, asm.R3),
		asm.LoadMem(asm.R3, asm.R1, phaseRing, asm.DWord),
		asm.LoadMem(asm.R4, asm.R1, phaseRing+8, asm.DWord),
		asm.LoadMem(asm.R5, asm.R1, phaseRing+16, asm.DWord),
		asm.JNE.Reg(asm.R3, asm.R2, "unknown"),
		asm.LoadMem(asm.R3, asm.R1, phaseRing, asm.DWord),
		asm.JEq.Reg(asm.R3, asm.R2, "known"),
		asm.Mov.Imm(asm.R4, -1).WithSymbol("unknown"),
		asm.Mov.Imm(asm.R5, kindSeveral),
		asm.StoreMem(asm.RFP, fpMask, asm.R4, asm.DWord).WithSymbol("known"),
		asm.StoreMem(asm.RFP, fpKind, asm.R5, asm.DWord),
	}
}

// call calls the entry, with a context in which what the last execution wrote is put back.
func call(entry string, c *Config) asm.Instructions {
	insns := asm.Instructions{asm.LoadMem(asm.R1, asm.RFP, fpCtx, asm.DWord)}
	lo, hi := c.written()
	for off := lo &^ 3; off < hi; off += 4 {
		insns = append(insns,
			asm.Mov.Imm32(asm.R2, int32(binary.LittleEndian.Uint32(c.Found[off:]))),
			asm.StoreMem(asm.R1, int16(off), asm.R2, asm.Word))
	}
	return append(insns,
		asm.Call.Label(entry),
		asm.StoreMem(asm.RFP, fpValue, asm.R0, asm.DWord),
	)
}

// canaries compares R6 to R9 with the row's, which the verifier cannot foretell, and puts the row
// into R6.
func canaries() asm.Instructions {
	var insns asm.Instructions
	for i, r := range []asm.Register{asm.R6, asm.R7, asm.R8, asm.R9} {
		insns = append(insns,
			asm.LoadMem(asm.R1, asm.R0, rowCanary+int16(8*i), asm.DWord),
			asm.JNE.Reg(asm.R1, r, "lost"))
	}
	return append(insns,
		asm.Ja.Label("kept"),
		asm.Mov.Imm(asm.R1, 1).WithSymbol("lost"),
		asm.StoreMem(asm.RFP, fpLost, asm.R1, asm.DWord),
		asm.Mov.Reg(asm.R6, asm.R0).WithSymbol("kept"))
}

// after adds what is legal in the phases since the start, and counts the execution by what it
// overlapped. Where there were more than maxPhases of them, nothing is known.
func after() asm.Instructions {
	insns := asm.Instructions{
		asm.LoadMapValue(asm.R1, 0, 0).WithReference(phaseName),
		asm.LoadMem(asm.R2, asm.R1, phaseSeq, asm.DWord),
		asm.StoreMem(asm.RFP, fpEnd, asm.R2, asm.DWord),
		asm.LoadMem(asm.R7, asm.RFP, fpSeq, asm.DWord),
		asm.LoadMem(asm.R8, asm.RFP, fpMask, asm.DWord),
		asm.LoadMem(asm.R9, asm.RFP, fpKind, asm.DWord),
		asm.Sub.Reg(asm.R2, asm.R7), // how many phases ended meanwhile
		asm.JEq.Imm(asm.R2, 0, "counted"),
		asm.JGT.Imm(asm.R2, maxPhases, "tooMany"),
	}
	for i := int32(1); i <= maxPhases; i++ {
		insns = append(insns,
			asm.Add.Imm(asm.R7, 1),
			asm.Mov.Reg(asm.R3, asm.R7),
			asm.And.Imm(asm.R3, phases-1),
			asm.LSh.Imm(asm.R3, phaseShift),
			asm.LoadMapValue(asm.R1, 0, 0).WithReference(phaseName),
			asm.Add.Reg(asm.R1, asm.R3),
			asm.LoadMem(asm.R3, asm.R1, phaseRing, asm.DWord),
			asm.LoadMem(asm.R4, asm.R1, phaseRing+8, asm.DWord),
			asm.LoadMem(asm.R5, asm.R1, phaseRing+16, asm.DWord),
			asm.JNE.Reg(asm.R3, asm.R7, "tooMany"),
			asm.LoadMem(asm.R3, asm.R1, phaseRing, asm.DWord),
			asm.JNE.Reg(asm.R3, asm.R7, "tooMany"),
			asm.Or.Reg(asm.R8, asm.R4),
		)
		if i == 1 { // between two operations there is a phase of none
			insns = append(insns, asm.Or.Reg(asm.R9, asm.R5))
		} else {
			insns = append(insns, asm.Mov.Imm(asm.R9, kindSeveral))
		}
		insns = append(insns, asm.JEq.Imm(asm.R2, i, "counted"))
	}
	return append(insns,
		asm.Mov.Imm(asm.R8, -1).WithSymbol("tooMany"),
		asm.Mov.Imm(asm.R9, kindSeveral),
		asm.And.Imm(asm.R9, kinds8-1).WithSymbol("counted"),
		asm.LSh.Imm(asm.R9, 3),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Add.Reg(asm.R1, asm.R9),
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, rowOverlaps),
		asm.JNE.Imm(asm.R8, -1, "judge"),
		asm.AddAtomic.Mem(asm.R6, asm.R2, asm.DWord, rowUnchecked),
	)
}

// judge counts what was returned, and goes on to keepBad if it is not legal, or a canary was lost.
// Where nothing is known of what may be returned, there are no outcomes, and the canaries count alone.
func judge(outcomes []live.Outcome) asm.Instructions {
	insns := asm.Instructions{asm.LoadMem(asm.R1, asm.RFP, fpValue, asm.DWord).WithSymbol("judge")}
	values := distinctValues(outcomes)
	if len(values) == 0 {
		insns = append(insns, asm.Mov.Imm(asm.R8, -1))
	}
	for i, v := range values {
		insns = append(insns, asm.JEq.Imm32(asm.R1, int32(v.low), fmt.Sprint("value", i)))
	}
	none := int64(0)
	if len(values) == 0 {
		none = -1
	}
	insns = append(insns,
		asm.LoadImm(asm.R3, none, asm.DWord),
		asm.Mov.Imm(asm.R4, int32(8*len(values))),
		asm.Ja.Label("verdict"))
	for i, v := range values {
		insns = append(insns,
			asm.LoadImm(asm.R3, int64(v.bits), asm.DWord).WithSymbol(fmt.Sprint("value", i)),
			asm.Mov.Imm(asm.R4, int32(8*i)),
			asm.Ja.Label("verdict"))
	}
	return append(insns,
		asm.Add.Reg(asm.R4, asm.R6).WithSymbol("verdict"),
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R4, asm.R2, asm.DWord, rowCounts),
		asm.And.Reg(asm.R3, asm.R8),
		asm.LoadMem(asm.R2, asm.RFP, fpLost, asm.DWord),
		asm.JEq.Imm(asm.R3, 0, "bad"),
		asm.JEq.Imm(asm.R2, 0, "done"),
	)
}

// keepBad keeps the first bad executions of the row.
func keepBad() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R1, 1).WithSymbol("bad"),
		fetchAdd(asm.R6, asm.R1, rowBad),
		asm.JGE.Imm(asm.R1, records, "done"),
		asm.Mul.Imm(asm.R1, recordSize),
		asm.Add.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R1, asm.RFP, fpValue, asm.DWord),
		asm.StoreMem(asm.R6, rowRecords, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.RFP, fpSeq, asm.DWord),
		asm.StoreMem(asm.R6, rowRecords+8, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.RFP, fpEnd, asm.DWord),
		asm.StoreMem(asm.R6, rowRecords+16, asm.R1, asm.DWord),
		asm.StoreMem(asm.R6, rowRecords+24, asm.R8, asm.DWord),
		asm.StoreMem(asm.R6, rowRecords+32, asm.R2, asm.DWord),
	}
}

// fetchAdd adds a register to a word, and leaves what the word was in the register. The library
// forgets what kind of atomic instruction it is.
func fetchAdd(dst, src asm.Register, off int16) asm.Instruction {
	ins := asm.FetchAdd.Mem(dst, src, asm.DWord, off)
	ins.Constant = int64(ins.OpCode.AtomicOp() >> 8)
	return ins
}

// A lowValue is what the kernel shows of values, and a bit for each outcome that it may be.
type lowValue struct {
	low  uint32
	bits uint64
}

func distinctValues(outcomes []live.Outcome) []lowValue {
	var out []lowValue
next:
	for i, o := range outcomes {
		for j := range out {
			if out[j].low == uint32(o.Value) {
				out[j].bits |= 1 << i
				continue next
			}
		}
		out = append(out, lowValue{uint32(o.Value), 1 << i})
	}
	return out
}

// checking is the entry's program with the checker in front.
func checking(entry *ebpf.ProgramSpec, c *Config) *ebpf.ProgramSpec {
	spec := entry.Copy()
	spec.Name = checkerName
	name := spec.Instructions[0].Symbol()
	if name == "" {
		name = "entry"
	}
	spec.Instructions[0] = btf.WithFuncMetadata(spec.Instructions[0].WithSymbol(name), function(name))
	check := checker(name, c)
	if spec.Instructions[0].Source() != nil { // the verifier wants lines of all functions or of none
		check[0] = check[0].WithSource(asm.Comment("every execution is checked"))
	}
	spec.Instructions = append(check, spec.Instructions...)
	return spec
}
