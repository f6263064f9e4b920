package interp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// A machine is the state of one execution.
type machine struct {
	w      *world
	frames []frame // pending calls, the running function last
	regs   [11]value
	pc     int   // in the running function's program
	guess  guess // taken at the next question that the machine cannot answer

	ctx    memory
	packet []byte
	views  []view // of the maps

	ownCtx, ownPacket bool // no other execution sees them: they may be written

	lo, hi int // the bytes of the context that were written

	last   string // program that was tail called last
	missed bool   // some tail call went on instead
}

// A frame is one function that has not returned.
type frame struct {
	prog    *jit.Program
	fn      int
	ret     int      // where its caller goes on
	saved   [4]value // its caller's R6 to R9
	counter uint32
	stack   memory
	again   *[5]value // what its caller, a helper, was called with, and is called with again; or nil
}

func newMachine(entry *jit.Program, w *world) *machine {
	m := &machine{w: w, ctx: newContext(w.Ctx, w.CtxUnknown), packet: w.Packet}
	for _, d := range w.defs {
		m.views = append(m.views, view{c: &d.contents})
	}
	m.enter(frame{prog: entry})
	m.regs[asm.R1] = value{kind: inCtx}
	if w.SizeInR2 {
		m.regs[asm.R2] = num(uint64(len(w.Ctx)))
	}
	return m
}

// own makes what the machine does to packet and maps visible to the world.
func (m *machine) own() {
	m.ownPacket = true
	for i := range m.views {
		m.views[i].own = true
	}
}

// clone makes another machine in the same state. Neither owns what both see.
func (m *machine) clone() *machine {
	m.ownCtx, m.ownPacket = false, false
	for i := range m.views {
		m.views[i].own = false
	}
	c := *m
	c.views = slices.Clone(m.views)
	c.frames = slices.Clone(m.frames)
	for i := range c.frames {
		c.frames[i].stack = c.frames[i].stack.clone()
	}
	return &c
}

// enter starts a function: its stack is fresh, and of the registers it may read its
// arguments alone.
func (m *machine) enter(f frame) {
	fn := &f.prog.Funcs[f.fn]
	f.stack = newStack(fn.StackDepth)
	m.frames = append(m.frames, f)
	m.pc = fn.First
	m.regs[asm.R0] = value{}
	for r := asm.R6; r <= asm.R9; r++ {
		m.regs[r] = value{}
	}
	m.regs[asm.R10] = value{kind: inStack, id: int32(len(m.frames) - 1)}
}

func (m *machine) top() *frame { return &m.frames[len(m.frames)-1] }

// errorf says where the machine stands.
func (m *machine) errorf(err error) error {
	p := m.top().prog
	return fmt.Errorf("%s: %s: %w", p.Name, p.Place(m.pc), err)
}

func (m *machine) call(callee int) error {
	caller := m.top()
	if len(m.frames) == maxFrames {
		return fmt.Errorf("%w: %d functions are pending", ErrBounded, maxFrames)
	}
	f := frame{prog: caller.prog, fn: callee, ret: m.pc + 1, counter: caller.counter}
	if m.w.Layout.Counter.Calls == jit.CounterResets {
		f.counter = 0
	}
	copy(f.saved[:], m.regs[asm.R6:asm.R10])
	m.enter(f)
	return nil
}

// exit returns from the running function, the last of which ends the execution.
func (m *machine) exit() (event, error) {
	r0 := m.regs[asm.R0]
	if len(m.frames) == 1 {
		if _, err := r0.asNumber(); err != nil && !(m.w.Unknown && r0.kind == anything) {
			return goesOn, fmt.Errorf("r0 at exit: %w", err)
		}
		return exits, nil
	}
	// A function without a result leaves nothing in R0, or whatever was there.
	f := *m.top()
	if err := m.leave(); err != nil {
		return goesOn, err
	}
	m.frames = m.frames[:len(m.frames)-1]
	copy(m.regs[asm.R6:asm.R10], f.saved[:])
	m.clobber(asm.R1)
	m.regs[asm.R10] = value{kind: inStack, id: int32(len(m.frames) - 1)}
	if m.w.Layout.Counter.Calls == jit.CounterShared {
		m.top().counter = f.counter
	}
	m.pc = f.ret
	if f.again != nil {
		copy(m.regs[asm.R1:], f.again[:])
	}
	return goesOn, nil
}

// leave takes the running function's stack away. No address in it may be left anywhere.
func (m *machine) leave() error {
	dying := int32(len(m.frames) - 1)
	dangles := func(v value) bool { return v.kind == inStack && v.id == dying }
	if dangles(m.regs[asm.R0]) {
		return errors.New("returns an address in its own stack")
	}
	for _, f := range m.frames[:dying] {
		for i, v := range f.stack.words {
			if dangles(v) {
				f.stack.forget(i)
			}
		}
	}
	return nil
}

// clobber makes the registers from r to R5 unreadable, as a call leaves them.
func (m *machine) clobber(r asm.Register) {
	for ; r <= asm.R5; r++ {
		m.regs[r] = value{}
	}
}

// A guess is the answer to take where others decide: they may have written what is asked for.
type guess uint8

const (
	guessNone guess = iota
	guessNo
	guessYes
)

// guessed is the guess, which answers one question. Without one the step must end in forks, and
// must not have changed anything.
func (m *machine) guessed() (yes, ok bool) {
	g := m.guess
	m.guess = guessNone
	return g == guessYes, g != guessNone
}

// key appends all that the rest of an execution depends on, and what will be said of its
// path: machines with equal keys have equal futures and add the same to the result.
func (m *machine) key(b []byte) []byte {
	b = appendInt(b, m.pc)
	for _, v := range m.regs {
		b = v.append(b)
	}
	b = appendInt(b, m.lo, m.hi) // around these the context is the world's
	b = append(append(b, m.ctx.bytes[m.lo:m.hi]...), m.ctx.marks[m.lo:m.hi]...)
	b = m.appendViews(b)
	missed := 0
	if m.missed {
		missed = 1
	}
	b = appendInt(b, missed, len(m.last))
	b = append(b, m.last...)
	for i := range m.frames {
		b = m.frames[i].append(b, m.w)
	}
	return b
}

func (f *frame) append(b []byte, w *world) []byte {
	b = appendInt(b, int(w.programID(f.prog)), f.fn, f.ret, int(f.counter))
	for _, v := range f.saved {
		b = v.append(b)
	}
	b = append(append(appendArgs(b, f.again), f.stack.marks...), f.stack.bytes...)
	for i, v := range f.stack.words {
		if f.stack.marks[i*8] == markAddress {
			b = v.append(b)
		}
	}
	return b
}

// appendViews appends the packet and the contents of maps, where they are no longer the
// world's.
func (m *machine) appendViews(b []byte) []byte {
	if len(m.packet) > 0 && &m.packet[0] != &m.w.Packet[0] {
		b = append(b, m.packet...)
	}
	for i, v := range m.views {
		if v.c != &m.w.defs[i].contents {
			b = v.c.append(appendInt(b, i))
		}
	}
	return appendInt(b, -1)
}

func (v value) append(b []byte) []byte {
	b = append(b, byte(v.kind))
	if v.loose {
		b[len(b)-1] |= 0x80
	}
	return appendInt(binary.AppendUvarint(b, v.n), int(v.id), int(v.elem))
}

func appendInt(b []byte, ns ...int) []byte {
	for _, n := range ns {
		b = binary.AppendVarint(b, int64(n))
	}
	return b
}
