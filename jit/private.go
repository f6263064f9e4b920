package jit

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

// A private stack is memory that each CPU has for one function. Its frame pointer is r9, which
// a call may change: it is saved around every one. What the function pushes, and its rbp, stay
// on the stack of the caller.

// privateFrame is the frame pointer of such a function: it stands for R10 in the operands.
const privateFrame = regAX + 1

var errPrivateStack = errors.New(
	"compile: private stacks are for translated programs without tail calls")

// checkPrivateStacks refuses private stacks where kernels have none: the memory is a kernel's,
// and no tail call can take such a frame off. All zero is none.
func (o *Options) checkPrivateStacks(p *Program) error {
	switch {
	case o.PrivateStacks == nil:
		return nil
	case len(o.PrivateStacks) != len(p.Funcs):
		return fmt.Errorf("compile: %d private stacks of %d functions", len(o.PrivateStacks),
			len(p.Funcs))
	case slices.Max(o.PrivateStacks) != 0 && (!p.Translated || len(p.TailCalls) > 0):
		return errPrivateStack
	}
	return nil
}

// usePrivateStack puts the function on a private stack that ends at an address. Operands are
// replaced here, in a copy, so that no emitter of an instruction needs to know.
func (e *emitter) usePrivateStack(end uint64) {
	e.private, e.stack = end, 0
	p := *e.p
	p.Insns = slices.Clone(p.Insns)
	for i := e.fn.First; i < e.fn.End(); i++ {
		for _, r := range []*asm.Register{&p.Insns[i].Dst, &p.Insns[i].Src} {
			if *r == asm.R10 {
				*r = privateFrame
			}
		}
	}
	e.p = &p
}

// emitPrivateFrame points r9 to the end of the frame of the CPU that runs this.
func (e *emitter) emitPrivateFrame() {
	if e.private == 0 {
		return
	}
	e.emitAddress(RefPrivateStack, x86.R9, e.private) // mov r9, end
	e.AddGS(x86.R9, 0)                                // add r9, gs:[this_cpu_off]
	e.refer(RefPerCPU, 4)
}

// saveFrame comes before a call, and restoreFrame after it.
func (e *emitter) saveFrame() {
	if e.private != 0 {
		e.Push(x86.R9) // push r9
	}
}

func (e *emitter) restoreFrame() {
	if e.private != 0 {
		e.Pop(x86.R9) // pop r9
	}
}
