package jit

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit/x86"
)

// MapInfo is what the compiler must know of a map that a program names.
type MapInfo struct {
	Addr       uint64 // what loading the map's address gives: where the array of programs lies
	MaxEntries uint32

	// Of an array of values: where the first one lies, and how far it is from one to the next.
	// Values are looked up without a call where Stride is not zero.
	Values uint64
	Stride uint32
}

// Options of a compilation.
type Options struct {
	Layout    *Layout
	Maps      map[string]MapInfo // by the symbol that the program loads, see MapSymbol
	FuncAddrs []uint64           // where each function will lie, for loads of its address; or none

	// Thunks says that the image runs in a kernel, whose thunks it can jump to. Elsewhere what a thunk
	// would do stands in the place of the jump, as many bytes long.
	Thunks bool

	// What a verifier that knows more than Parse decided; nil: what Parse found.
	StackDepths []int  // of each function, not rounded
	Direct      []bool // whether each tail call has a direct site

	// Whether each function keeps the counter though Parse found no tail call that it reaches: a
	// verifier counts those in code that it removed.
	TailCallReachable []bool

	// Of each function of a translated program where its private stack ends, as an offset from
	// the start of a CPU's own memory, or 0 where it has none; or nil. There are none in a
	// program that makes tail calls.
	PrivateStacks []uint64

	// The functions outside of a translated program whose calls are not counted though the layout
	// counts calls, by the constant of the instruction.
	Uncounted map[int32]bool
}

// Bounds on passes. In every pass a jump is sized by the offsets of the pass before, until no
// size changes. From stickyPass on, a jump that was long stays long, so that two jumps cannot
// lengthen and shorten each other in turn.
const (
	stickyPass = 15
	maxPasses  = 64
)

// Compile turns a program into machine code. The image is position independent but for the
// addresses of maps, and those of Options.FuncAddrs. What lies outside of the program (helpers,
// the kernel's thunks) is not known here: such operands are zero, and listed in the image's Refs.
func Compile(p *Program, o Options) (*Image, error) {
	if o.Layout == nil || o.Layout.ArrayPtrs == 0 { // nobody's pointers come first in their array
		return nil, errors.New("compile: no layout")
	}
	if err := o.check(p); err != nil {
		return nil, err
	}
	if err := p.checkMaps(o.Maps); err != nil {
		return nil, err
	}
	img := &Image{Program: p, Layout: o.Layout, AdjOff: o.Layout.AdjOff}
	img.Insns = make([]Off, 0, len(p.Insns)+1)
	var calls []callSite
	for f := range p.Funcs {
		e := newEmitter(p, f, &o)
		if err := e.converge(); err != nil {
			return nil, err
		}
		calls = append(calls, img.add(e)...)
	}
	img.Insns = append(img.Insns, Off(len(img.Code)))
	for _, c := range calls {
		x86.SetRel32(img.Code, c.end, int(img.Funcs[c.callee].Off))
	}
	return img, nil
}

// check refuses options that do not fit the program.
func (o *Options) check(p *Program) error {
	switch {
	case o.FuncAddrs != nil && len(o.FuncAddrs) != len(p.Funcs):
		return fmt.Errorf("compile: %d addresses of %d functions", len(o.FuncAddrs), len(p.Funcs))
	case o.StackDepths != nil && len(o.StackDepths) != len(p.Funcs):
		return fmt.Errorf("compile: %d stack depths of %d functions", len(o.StackDepths), len(p.Funcs))
	case o.TailCallReachable != nil && len(o.TailCallReachable) != len(p.Funcs):
		return fmt.Errorf("compile: %d counters of %d functions", len(o.TailCallReachable), len(p.Funcs))
	case o.Direct != nil && len(o.Direct) != len(p.TailCalls):
		return fmt.Errorf("compile: kinds of %d tail calls, there are %d", len(o.Direct),
			len(p.TailCalls))
	case o.PrivateStacks == nil:
		return nil
	case len(o.PrivateStacks) != len(p.Funcs):
		return fmt.Errorf("compile: %d private stacks of %d functions", len(o.PrivateStacks),
			len(p.Funcs))
	case slices.Max(o.PrivateStacks) == 0: // there are none
	case !p.Translated || len(p.TailCalls) > 0:
		return errPrivateStack
	}
	return nil
}

// checkMaps refuses a program that loads a map of which nothing is known, or the address of a value
// in one that has none of its own.
func (p *Program) checkMaps(maps map[string]MapInfo) error {
	for i := range p.Insns {
		if !p.Insns[i].IsLoadFromMap() {
			continue
		}
		sym := MapSymbol(&p.Insns[i])
		info, ok := maps[sym]
		switch {
		case !ok:
			return p.errorf(i, "unknown map %q", sym)
		case p.Insns[i].Src == asm.PseudoMapValue && info.Values == 0:
			return p.errorf(i, "map %q is no array of values", sym)
		}
	}
	return nil
}

// A callSite is a call, or a load of a function's address. Its displacement is known only when
// all functions have their place.
type callSite struct {
	end    int // offset after the displacement
	callee int // index of the function
}

// add appends a function to the image, and returns its calls in terms of the image.
func (img *Image) add(e *emitter) []callSite {
	base := len(img.Code)
	off := func(n int) Off { return Off(base + n) }
	img.Funcs = append(img.Funcs, Func{Name: e.fn.Name, Off: off(0), Size: Off(e.Len())})
	img.Code = append(img.Code, e.Code()...)
	for _, s := range e.Starts() {
		img.Starts = append(img.Starts, off(s))
	}
	for i := range e.fn.Len {
		img.Insns = append(img.Insns, off(e.ends[i]))
	}
	for _, s := range e.sites {
		s.Start += off(0)
		s.End += off(0)
		if s.Direct {
			s.TailcallBypass += off(0)
			s.TailcallTarget += off(0)
			s.BypassAddr += off(0)
		}
		img.Sites = append(img.Sites, s)
	}
	for _, r := range e.refs {
		r.Off += off(0)
		img.Refs = append(img.Refs, r)
	}
	for i := range e.calls {
		e.calls[i].end += base
	}
	return e.calls
}
