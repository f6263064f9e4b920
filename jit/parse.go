package jit

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"
)

// Parse checks instructions and splits them into functions. The entry comes first; every
// target of a call starts another function. Jumps and calls may refer to symbols, as those of
// an ELF object do, or carry distances, as those read from raw bytes do.
//
// The instructions are copied. Code that cannot be reached is accepted as long as every
// instruction of it is valid by itself. So are calls of helpers and kernel functions that Compile
// does not know: where the program's tail calls are does not depend on them.
func Parse(name string, insns asm.Instructions) (*Program, error) {
	return parse(&Program{Name: name}, insns)
}

// ParseTranslated is Parse for instructions that have been through a kernel's verifier, as it
// gives them back, with maps as PseudoMapFD and PseudoMapValue, and distances in the constants
// of local calls. Where the kernel's compiler relies on the verifier, Compile relies on it
// as well:
//
//   - divisions are not guarded: instructions before them are the guard
//   - a compare and exchange of 32 bits does not clear the upper half: the next instruction does
//   - calls of the kernel's functions are compiled, as calls to somewhere else
//
// Such a program is for comparing images. It cannot be run outside of the kernel.
func ParseTranslated(name string, insns asm.Instructions) (*Program, error) {
	return parse(&Program{Name: name, Translated: true}, insns)
}

func parse(p *Program, insns asm.Instructions) (*Program, error) {
	if len(insns) == 0 {
		return nil, errors.New("program without instructions")
	}
	p.Insns = slices.Clone(insns)
	p.findLines()
	for i := range p.Insns {
		if err := validate(&p.Insns[i], p.Translated); err != nil {
			return nil, p.errorf(i, "%w", err)
		}
	}
	if err := p.resolve(); err != nil {
		return nil, err
	}
	p.listMaps()
	p.split()
	p.listLoaded()
	for f := range p.Funcs {
		if err := p.checkFunc(f); err != nil {
			return nil, err
		}
	}
	if err := p.checkCalls(); err != nil {
		return nil, err
	}
	for f := range p.Funcs {
		if err := p.analyse(f); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// resolve finds the target instruction of every jump and call.
func (p *Program) resolve() error {
	r := resolver{symbols: map[string]int{}}
	for i := range p.Insns {
		r.units = append(r.units, len(r.index))
		for range p.Insns[i].Width() {
			r.index = append(r.index, i)
		}
		if len(r.index) > MaxInsns {
			return p.errorf(i, "program exceeds %d instructions", MaxInsns)
		}
		sym := p.Insns[i].Symbol()
		if _, ok := r.symbols[sym]; ok && sym != "" {
			return p.errorf(i, "symbol %q is defined twice", sym)
		}
		r.symbols[sym] = i
	}
	p.targets = make([]int32, len(p.Insns))
	for i := range p.Insns {
		target, err := r.target(i, &p.Insns[i])
		if err != nil {
			return p.errorf(i, "%w", err)
		}
		p.targets[i] = int32(target)
	}
	return nil
}

// A resolver maps between instructions and the eight byte units that distances count; a
// dword load is one instruction of two units.
type resolver struct {
	units   []int // first unit of an instruction
	index   []int // instruction of a unit
	symbols map[string]int
}

// target is the instruction that ins jumps to or calls; none if it does neither.
func (r *resolver) target(i int, ins *asm.Instruction) (int, error) {
	var distance int
	switch {
	case namesFunc(ins) || ins.OpCode == opJaLong:
		distance = int(int32(ins.Constant))
	case !ins.OpCode.Class().IsJump() || ins.OpCode == opExit || ins.OpCode == opCall ||
		ins.OpCode == opCallX:
		return none, nil
	default:
		distance = int(ins.Offset)
	}
	if ref := ins.Reference(); ref != "" && distance == -1 { // -1 marks a reference
		target, ok := r.symbols[ref]
		if !ok {
			return 0, fmt.Errorf("symbol %q is not defined", ref)
		}
		return target, nil
	}
	unit := r.units[i] + 1 + distance
	if unit < 0 || unit >= len(r.index) {
		return 0, errors.New("target is outside of the program")
	}
	target := r.index[unit]
	if r.units[target] != unit {
		return 0, fmt.Errorf("target is the second half of insn %d", target)
	}
	return target, nil
}

// listMaps collects the maps in order of first use.
func (p *Program) listMaps() {
	for i := range p.Insns {
		if !p.Insns[i].IsLoadFromMap() {
			continue
		}
		if sym := MapSymbol(&p.Insns[i]); !slices.Contains(p.maps, sym) {
			p.maps = append(p.maps, sym)
		}
	}
}

// split finds the functions, and makes the targets of what names one indexes of functions.
func (p *Program) split() {
	starts := []int{0}
	for i := range p.Insns {
		if namesFunc(&p.Insns[i]) {
			starts = append(starts, int(p.targets[i]))
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	for i := range p.Insns {
		if namesFunc(&p.Insns[i]) {
			f, _ := slices.BinarySearch(starts, int(p.targets[i]))
			p.targets[i] = int32(f)
		}
	}
	ends := append(starts[1:], len(p.Insns))
	for f, start := range starts {
		name := p.Insns[start].Symbol()
		switch {
		case name != "":
		case f == 0:
			name = p.Name
		default:
			name = fmt.Sprintf("func_%d", f)
		}
		p.Funcs = append(p.Funcs, Function{Name: name, First: start, Len: ends[f] - start})
	}
}

// checkFunc checks what holds within a function, and notes the registers and tail calls.
func (p *Program) checkFunc(f int) error {
	fn := &p.Funcs[f]
	for i := fn.First; i < fn.End(); i++ {
		ins := &p.Insns[i]
		if t, ok := p.Target(i); ok && (t < fn.First || t >= fn.End()) {
			return p.errorf(i, "jump leaves function %s", fn.Name)
		}
		for _, r := range []asm.Register{ins.Dst, ins.Src} {
			if asm.R6 <= r && r <= asm.R9 {
				fn.CalleeRegs[r-asm.R6] = true
			}
		}
		if isLegacyLoad(ins) { // which finds the context in R6
			fn.CalleeRegs[0] = true
		}
		fn.HasTailCall = fn.HasTailCall || isTailCall(ins)
	}
	last := fn.End() - 1
	switch p.Insns[last].OpCode {
	case opExit, opJa, opJaLong:
		return nil
	}
	return p.errorf(last, "function %s runs off its end", fn.Name)
}

// checkCalls bounds the depth of calls, which rules out recursion, and finds the functions
// from which a tail call can be reached.
func (p *Program) checkCalls() error {
	const busy = MaxCallFrames + 1      // too deep, so that a cycle is walked until it is
	depths := make([]int, len(p.Funcs)) // frames from here down; 0: not known yet
	var visit func(f, frames int) error
	visit = func(f, frames int) error {
		fn, deepest := &p.Funcs[f], 1
		depths[f] = busy
		fn.TailCallReachable = fn.HasTailCall
		for i := fn.First; i < fn.End(); i++ {
			for _, callee := range p.callees(i) {
				if frames == MaxCallFrames {
					return p.errorf(i, "calls are more than %d frames deep", MaxCallFrames)
				}
				if depths[callee] == 0 || frames+depths[callee] > MaxCallFrames {
					if err := visit(callee, frames+1); err != nil {
						return err
					}
				}
				deepest = max(deepest, 1+depths[callee])
				fn.TailCallReachable = fn.TailCallReachable || p.Funcs[callee].TailCallReachable
			}
		}
		depths[f] = deepest
		return nil
	}
	for f := range p.Funcs {
		if depths[f] == 0 {
			if err := visit(f, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// callees are the functions that instruction i may call. Through a register that is any
// function whose address is loaded anywhere.
func (p *Program) callees(i int) []int {
	if fn, ok := p.Callee(i); ok {
		return []int{fn}
	}
	if p.Insns[i].OpCode == opCallX {
		return p.loaded
	}
	return nil
}

func (p *Program) listLoaded() {
	for i := range p.Insns {
		if fn, ok := p.Loaded(i); ok {
			p.loaded = append(p.loaded, fn)
		}
	}
	slices.Sort(p.loaded)
	p.loaded = slices.Compact(p.loaded)
}
