package interp

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// errAgain says that the packet is not what the world says: the program may change it. Everything is
// explored anew, with a packet of which nothing is known.
var errAgain = errors.New("the program may change its packet")

// errWherever says that it is not known where the program goes on.
var errWherever = fmt.Errorf("%w: where it goes on is not known", ErrBounded)

// unpredicted goes on after an instruction that failed, in a world where what cannot be predicted is
// unknown: a verifier has taken the program, so that the instruction has a result, if it is executed
// at all. It writes no memory but what its operands lead to.
func (m *machine) unpredicted(ins *asm.Instruction) (event, error) {
	op, any := ins.OpCode, value{kind: anything}
	switch cls := op.Class(); {
	case cls == asm.LdClass && !op.IsDWordLoad():
		return m.packetAnyhow()
	case cls == asm.StClass:
		return m.after(m.spoil(m.moved(ins.Dst, ins), op.Size().Sizeof()))
	case cls == asm.StXClass:
		return m.after(m.storedAnyhow(ins))
	case !cls.IsJump():
		m.regs[ins.Dst] = any
		return m.after(nil)
	}
	switch op.JumpOp() {
	case asm.Exit:
		m.regs[asm.R0] = any
		return m.exit()
	case asm.Call:
		if op.Source() == asm.RegSource || ins.Src == asm.PseudoCall || asm.BuiltinFunc(ins.Constant) == asm.FnTailCall && ins.Src == 0 {
			return goesOn, errWherever
		}
		return m.calledAnyhow(ins)
	}
	taken, ok := m.guessed()
	if !ok {
		return forks, nil
	}
	if taken {
		m.pc, _ = m.top().prog.Target(m.pc)
		return goesOn, nil
	}
	return m.after(nil)
}

// after goes on with the next instruction.
func (m *machine) after(err error) (event, error) {
	m.pc++
	return goesOn, err
}

// moved is the address that an instruction takes from a register.
func (m *machine) moved(r asm.Register, ins *asm.Instruction) value {
	v := m.regs[r]
	v.n += uint64(int64(ins.Offset))
	return v
}

// storedAnyhow is a store of a register, or an atomic operation.
func (m *machine) storedAnyhow(ins *asm.Instruction) error {
	at, fetch := ins.Dst, asm.R10
	switch op := ins.OpCode.AtomicOp(); op {
	case asm.InvalidAtomic, storeRelease, asm.AddAtomic, asm.AndAtomic, asm.OrAtomic, asm.XorAtomic:
	case loadAcquire:
		m.regs[ins.Dst] = value{kind: anything}
		return nil
	case asm.CmpXchg:
		fetch = asm.R0
	default:
		fetch = ins.Src
	}
	to := m.moved(at, ins)
	if fetch != asm.R10 {
		m.regs[fetch] = value{kind: anything}
	}
	return m.spoil(to, ins.OpCode.Size().Sizeof())
}

// packetAnyhow is a load from the packet that finds anything, or the packet's end.
func (m *machine) packetAnyhow() (event, error) {
	there, ok := m.guessed()
	switch {
	case !ok:
		return forks, nil
	case !there:
		m.regs[asm.R0] = num(0)
		return m.exit()
	}
	m.regs[asm.R0] = value{kind: anything}
	m.clobber(asm.R1)
	return m.after(nil)
}

// calledAnyhow is a call outside of the program, of which only its signature is known.
func (m *machine) calledAnyhow(ins *asm.Instruction) (event, error) {
	var sig jit.Signature
	known := false
	if ins.Src == 0 {
		sig, known = jit.SignatureOf(jit.Helper(ins.Constant))
	}
	if sig.Calls != asm.R0 {
		if ev, err := m.callsBack(sig.Calls); ev != exits {
			return ev, err
		}
	}
	var err error
	if known {
		for _, s := range sig.Writes {
			err = errors.Join(err, m.spoil(m.regs[s.At], m.length(s)))
		}
	} else {
		for r := asm.R1; r <= asm.R5; r++ { // a kernel function may write whatever it is given
			err = errors.Join(err, m.spoil(m.regs[r], -1))
		}
	}
	if known && (sig.Context || sig.Packet) {
		err = errors.Join(err, m.spoil(value{kind: inCtx}, -1))
	}
	if (!known || sig.Packet) && m.regs[asm.R1].kind == inCtx {
		err = errors.Join(err, m.changePacket())
	}
	if err != nil {
		return goesOn, err
	}
	m.regs[asm.R0] = value{kind: anything}
	m.clobber(asm.R1)
	return m.after(nil)
}

// length is how many bytes a helper may write, -1 where that is not known.
func (m *machine) length(s jit.Span) int {
	if s.Fixed != 0 {
		return s.Fixed
	}
	if n := m.regs[s.Size]; s.Size != asm.R0 && n.kind == number && n.n < 1<<31 {
		return int(n.n)
	}
	return -1
}

// callsBack is a helper that calls a function of the program any number of times before it returns.
// It gives exits where the helper is about to return.
func (m *machine) callsBack(at asm.Register) (event, error) {
	fn := m.regs[at]
	again, ok := m.guessed()
	switch {
	case fn.kind != ofFunc:
		return goesOn, errWherever
	case !ok:
		return forks, nil
	case !again:
		return exits, nil
	}
	args := [5]value(m.regs[asm.R1:asm.R6])
	if err := m.call(int(fn.id)); err != nil {
		return goesOn, err
	}
	top := m.top()
	top.ret, top.again = top.ret-1, &args // the call itself, with what it was given
	data := args[at-asm.R1+1]             // what the program gives its function follows the function
	for r := asm.R1; r <= asm.R5; r++ {
		m.regs[r] = value{kind: anything}
		if r == asm.R1 && args[0].kind == ofMap {
			m.regs[r] = args[0]
		}
	}
	switch at { // the function's last argument
	case asm.R2:
		last := asm.R2 // bpf_loop(n, fn, data, flags): fn(i, data)
		if args[0].kind == ofMap {
			last = asm.R4 // bpf_for_each_map_elem(map, fn, data, flags): fn(map, key, value, data)
		}
		m.regs[last] = data
	default:
		m.regs[asm.R3] = data // bpf_find_vma(task, address, fn, data, flags): fn(task, vma, data)
	}
	return goesOn, nil
}

// spoil makes memory unknown: so many bytes from an address on, or with -1 all of it. What lies
// outside of the execution's own memory is unknown anyhow. An address that was stored there stays: no
// verifier lets a program use one that something else may have written over.
func (m *machine) spoil(to value, n int) error {
	var mem *memory
	switch to.kind {
	case inStack:
		mem = &m.frames[to.id].stack
	case inCtx:
		if !m.ownCtx {
			m.ctx, m.ownCtx = m.ctx.clone(), true
		}
		mem = &m.ctx
	case inPacket:
		return m.changePacket()
	default:
		return nil
	}
	size := int64(len(mem.bytes))
	from := int64(to.n)
	if to.kind == inStack {
		from += size
	}
	end := from + int64(n)
	if n < 0 {
		end = size
	}
	if to.loose {
		from, end = 0, size
	}
	from, end = min(max(from, 0), size), min(max(end, 0), size)
	for i := from; i < end; i++ {
		if mem.marks[i] != markAddress {
			mem.marks[i], mem.bytes[i] = markUnknown, 0
		}
	}
	if to.kind == inCtx && from < end {
		widen(&m.lo, &m.hi, int(from), int(end))
	}
	return nil
}

// changePacket begins anew unless the packet is unknown already.
func (m *machine) changePacket() error {
	if m.w.packetUnknown {
		return nil
	}
	m.w.packetUnknown = true
	return errAgain
}

// anyhow is an error after which a world where much is unknown goes on.
func (w *world) anyhow(err error) bool {
	return w.Unknown && !errors.Is(err, ErrBounded) && !errors.Is(err, errAgain)
}

// appendArgs appends what a frame is to be called with again.
func appendArgs(b []byte, args *[5]value) []byte {
	if args == nil {
		return append(b, 0)
	}
	b = append(b, 1)
	for _, v := range slices.All(args[:]) {
		b = v.append(b)
	}
	return b
}
