package jit

import "tailpoke/jit/x86"

// emitTailCall emits a direct site when the map and the key are known and the map has that
// key, and an indirect site otherwise.
func (e *emitter) emitTailCall(i int) {
	s := Site{Insn: i, Func: e.index, Start: Off(e.Len())}
	n, tc := e.p.tailCall(i)
	if tc.Const && tc.Key < e.o.Maps[tc.Map].MaxEntries {
		s.Direct, s.Map, s.Key = true, tc.Map, tc.Key
	}
	if e.o.Direct != nil {
		s.Direct = e.o.Direct[n]
	}
	var out []x86.Forward
	if s.Direct {
		out = e.emitDirect(&s)
	} else {
		out = e.emitIndirect()
	}
	e.Bind(out...)
	s.End = Off(e.Len())
	e.sites = append(e.sites, s)
}

// emitDirect emits the site that is patched. It is left in state C: the key is empty.
func (e *emitter) emitDirect(s *Site) []x86.Forward {
	out := e.l.counting.test(&e.Builder, e.depth, e.l.Counter.Limit)
	if e.l.Counter.MissSpends {
		e.l.counting.spend(&e.Builder, e.depth)
	}
	s.TailcallBypass = Off(e.Len())
	e.JmpNear(0) // jmp out, or nop5
	bypassEnd := e.Len()
	if !e.l.Counter.MissSpends {
		e.l.counting.spend(&e.Builder, e.depth)
	}
	e.emitUnwind()
	s.TailcallTarget = Off(e.Len())
	e.Nop5() // nop5, or jmp program+AdjOff
	s.BypassAddr = Off(e.Len())
	e.SetRel32(bypassEnd, e.Len())
	return []x86.Forward{out}
}

// emitIndirect emits the site that reads the map: rsi is the array, edx the key.
func (e *emitter) emitIndirect() []x86.Forward {
	maxEntries, ptrs := int32(e.l.ArrayMaxEntries), int32(e.l.ArrayPtrs)
	e.Mov(x86.W32, x86.RDX, x86.RDX)                                   // mov edx, edx
	e.CmpMem(x86.W32, x86.At(x86.RSI, maxEntries), x86.RDX)            // cmp [rsi+max_entries], edx
	beyond := e.JccForward(x86.JBE)                                    // jbe out
	spent := e.l.counting.test(&e.Builder, e.depth, e.l.Counter.Limit) // ...ja out
	if e.l.Counter.MissSpends {
		e.l.counting.spend(&e.Builder, e.depth)
	}
	e.LoadIndexed8(x86.RCX, x86.RSI, x86.RDX, ptrs) // mov rcx, [rsi+rdx*8+ptrs]
	e.Test(x86.W64, x86.RCX, x86.RCX)               // test rcx, rcx
	empty := e.JccForward(x86.JE)                   // je out
	if !e.l.Counter.MissSpends {
		e.l.counting.spend(&e.Builder, e.depth)
	}
	e.emitUnwind()
	e.Load(x86.W64, x86.RCX, x86.At(x86.RCX, int32(e.l.ProgFunc))) // mov rcx, [rcx+bpf_func]
	e.OpImm(x86.Add, x86.W64, x86.RCX, int32(e.l.AdjOff))          // add rcx, AdjOff
	e.emitJumpRCX()
	return []x86.Forward{beyond, spent, empty}
}
