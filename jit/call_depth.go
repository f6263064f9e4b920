package jit

// CallDepth is how kernels from 6.2 on count calls (CONFIG_CALL_DEPTH_TRACKING, booted with
// retbleed=stuff on a CPU of Skylake's kind, whose returns are unsafe once more of them are made
// than its buffer of return addresses holds): this instruction stands before a direct call.
type CallDepth uint8

const (
	CallDepthNone     CallDepth = iota
	CallDepthAbsolute           // sar qword ptr gs:[depth], 5
	CallDepthRelative           // sar qword ptr gs:[rip+depth], 5
)

// emitCallDepth counts a call. The depth is in the memory that each CPU of a kernel has, which
// nothing but a kernel may touch: a program that can be run has nops of the same length there.
func (e *emitter) emitCallDepth() {
	const shift, shiftSize, addrSize = 5, 1, 4
	switch {
	case e.l.CallDepth == CallDepthNone:
		return
	case !e.p.Translated:
		e.Nop5()
		if e.l.CallDepth == CallDepthAbsolute {
			e.Nop5()
			return
		}
		e.Nop2()
		e.Nop2()
		return
	case e.l.CallDepth == CallDepthAbsolute:
		e.SarGS(0, shift) // sar qword ptr gs:[depth], 5
	default:
		e.SarGSRIP(0, shift) // sar qword ptr gs:[rip+depth], 5
	}
	e.refer(RefCallDepth, addrSize+shiftSize)
	e.refs[len(e.refs)-1].Size = addrSize // the address does not end the instruction
}
