package jit

import "slices"

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

// listLoaded collects the functions whose address is loaded.
func (p *Program) listLoaded() {
	for i := range p.Insns {
		if fn, ok := p.Loaded(i); ok {
			p.loaded = append(p.loaded, fn)
		}
	}
	slices.Sort(p.loaded)
	p.loaded = slices.Compact(p.loaded)
}
