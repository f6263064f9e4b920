package jit

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"

	"tailpoke/internal/source"
)

// Bounds on a program.
const (
	// MaxInsns bounds the eight byte units of a program. The kernel's own bound is on
	// verification steps, which have no like here; no jump reaches further than this.
	MaxInsns      = 1 << 16
	MaxStack      = 512 // the size of a function's stack in bytes
	MaxCallFrames = 8   // how deep functions may call one another, the entry included
)

// Program is a valid program: every instruction is known, every jump leads to an instruction
// of the same function, no function runs off its end. [Parse] makes it; it is not changed
// afterwards, and may be shared.
type Program struct {
	Name      string
	Insns     asm.Instructions
	Funcs     []Function   // the entry first
	TailCalls []TailCall   // in order of instructions
	Calls     []HelperCall // of helpers, likewise

	// Translated: a kernel's verifier has rewritten the instructions, see ParseTranslated.
	Translated bool

	targets []int32 // per instruction: where it jumps to, or the function that it names; or none

	loaded []int // functions whose address is loaded somewhere

	maps []string // in order of first use

	lines []source.Line // by instruction; nil: the object file names none
}

const none = -1

// Function is a run of instructions that is entered at its first.
type Function struct {
	Name       string
	First, Len int

	StackDepth        int     // bytes of stack below the frame pointer, not rounded
	CalleeRegs        [4]bool // which of R6 to R9 are named at all
	HasTailCall       bool    // it contains a tail call
	TailCallReachable bool    // it contains one, or calls a function of which this is true
}

// End is the index after the function's last instruction.
func (f *Function) End() int { return f.First + f.Len }

// TailCall is a call of bpf_tail_call.
type TailCall struct {
	Insn, Func int
	Map        string // the map, when all paths agree on it
	Key        uint32 // the key, when Const
	Const      bool   // all paths agree on the map and the key
}

// Maps lists the symbols of the maps that the program loads, in order of first use.
func (p *Program) Maps() []string { return append([]string(nil), p.maps...) }

// NamesValue says whether the program loads the address of a value of a map, as of a variable.
func (p *Program) NamesValue(m string) bool {
	return slices.ContainsFunc(p.Insns, func(ins asm.Instruction) bool {
		return ins.IsLoadFromMap() && ins.Src == asm.PseudoMapValue && MapSymbol(&ins) == m
	})
}

// Target is the instruction that instruction i may jump to.
func (p *Program) Target(i int) (insn int, ok bool) {
	if p.targets[i] == none || namesFunc(&p.Insns[i]) {
		return 0, false
	}
	return int(p.targets[i]), true
}

// Loaded is the function whose address instruction i loads.
func (p *Program) Loaded(i int) (fn int, ok bool) {
	if !isPseudoFunc(&p.Insns[i]) {
		return 0, false
	}
	return int(p.targets[i]), true
}

// Callee is the function that instruction i calls.
func (p *Program) Callee(i int) (fn int, ok bool) {
	if p.targets[i] == none || !isPseudoCall(&p.Insns[i]) {
		return 0, false
	}
	return int(p.targets[i]), true
}

func (p *Program) helperCall(i int) HelperCall {
	n, _ := slices.BinarySearchFunc(p.Calls, i, func(c HelperCall, i int) int {
		return cmp.Compare(c.Insn, i)
	})
	return p.Calls[n]
}

// tailCall finds the tail call of instruction i, and which it is.
func (p *Program) tailCall(i int) (n int, tc TailCall) {
	n, _ = slices.BinarySearchFunc(p.TailCalls, i, func(tc TailCall, i int) int {
		return cmp.Compare(tc.Insn, i)
	})
	return n, p.TailCalls[n]
}

// MapSymbol names the map that an instruction loads the address of: the symbol that it
// refers to, or its number as "fd 3" when it has none, as in code that was read from raw bytes.
func MapSymbol(ins *asm.Instruction) string {
	if ref := ins.Reference(); ref != "" {
		return ref
	}
	return fmt.Sprintf("fd %d", int32(ins.Constant))
}

// errorf is an error that names instruction i.
func (p *Program) errorf(i int, format string, args ...any) error {
	return fmt.Errorf("%s: %w", p.Place(i), fmt.Errorf(format, args...))
}

func isPseudoCall(ins *asm.Instruction) bool {
	return ins.OpCode == opCall && ins.Src == asm.PseudoCall
}

func isPseudoFunc(ins *asm.Instruction) bool {
	return ins.OpCode == opLoadImm64 && ins.Src == asm.PseudoFunc
}

// namesFunc says whether an instruction refers to a function.
func namesFunc(ins *asm.Instruction) bool { return isPseudoCall(ins) || isPseudoFunc(ins) }

// isPerCPUAddr says whether an instruction, of a translated program, turns an offset in the
// memory that each CPU has for itself into the address there.
func isPerCPUAddr(ins *asm.Instruction) bool {
	return ins.OpCode == asm.Mov.Op(asm.RegSource) && ins.Offset == -1
}

func isTailCall(ins *asm.Instruction) bool {
	return ins.OpCode == opCall && ins.Src == 0 && asm.BuiltinFunc(ins.Constant) == asm.FnTailCall
}
