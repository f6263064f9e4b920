package interp

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// choices is what the tail call that the machine stands before may lead to: programs to
// enter, and nil for going on. It spends what a tail call spends even if it misses.
func (m *machine) choices() ([]*jit.Program, error) {
	sym, key, err := m.tailArgs()
	if err != nil {
		return nil, err
	}
	miss := []*jit.Program{nil}
	counter := m.w.Layout.Counter
	if key >= m.w.MaxEntries(sym) || m.top().counter >= counter.Limit {
		return miss, nil
	}
	if counter.MissSpends {
		m.top().counter++
	}
	held := m.w.Held(sym, key)
	if len(held) == 0 {
		return nil, fmt.Errorf("nothing is said of key %d of %s: an empty key is a nil program", key, sym)
	}
	return held, nil
}

// tailArgs reads the arguments of bpf_tail_call: context, map, key.
func (m *machine) tailArgs() (sym string, key uint32, err error) {
	if m.regs[asm.R1].kind == unset {
		return "", 0, fmt.Errorf("r1: %w", errUnset)
	}
	array := m.regs[asm.R2]
	if array.kind != ofMap || array.n != 0 {
		return "", 0, fmt.Errorf("r2 holds %v, not a map", array.kind)
	}
	n, err := m.regs[asm.R3].asNumber()
	if err != nil {
		return "", 0, fmt.Errorf("r3: %w", err)
	}
	return m.w.maps[array.id], uint32(n), nil
}

// take carries out the tail call: it enters p in place of the running function, or goes on
// if p is nil.
func (m *machine) take(p *jit.Program) error {
	if p == nil {
		m.missed = true
		m.clobber(asm.R0)
		m.pc++
		return nil
	}
	f := *m.top()
	ctx := m.regs[asm.R1]
	if ctx.kind == inStack && int(ctx.id) == len(m.frames)-1 {
		return errors.New("hands an address in its own stack to a tail call")
	}
	m.regs[asm.R0] = value{}
	if err := m.leave(); err != nil {
		return err
	}
	m.frames = m.frames[:len(m.frames)-1]
	if !m.w.Layout.Counter.MissSpends {
		f.counter++
	}
	m.clobber(asm.R0)
	m.enter(frame{prog: p, ret: f.ret, saved: f.saved, counter: f.counter})
	m.regs[asm.R1] = ctx
	m.last = p.Name
	return nil
}
