package interp

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// A choice is what a tail call may do: enter a program, or go on if there is none.
type choice struct {
	prog   *jit.Program
	spends bool // it counts as a tail call
}

// choices is what the tail call that the machine stands before may lead to, each once.
func (m *machine) choices() ([]choice, error) {
	sym, key, err := m.tailArgs()
	if err != nil {
		return nil, err
	}
	max, err := m.w.entries(sym)
	if err != nil {
		return nil, err
	}
	unknown, spent := key.kind == anything, m.top().counter >= m.w.Layout.Counter.Limit
	first, end := uint32(key.n), uint32(key.n)
	switch {
	case unknown && max > maxKeys:
		return nil, fmt.Errorf("%w: the key of %s is any of %d", ErrBounded, sym, max)
	case unknown:
		end = max
	case first < max:
		end++
	}
	var out []choice
	if unknown || spent || first == end { // goes on before it looks at the key's program
		out = append(out, choice{})
	}
	for ; first < end && !spent; first++ {
		if out, err = m.held(out, sym, first); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// maxKeys bounds the keys that are looked at where the key is not known.
const maxKeys = 1 << 16

// held adds what one key may hold.
func (m *machine) held(out []choice, sym string, key uint32) ([]choice, error) {
	held := m.w.Held(sym, key)
	if len(held) == 0 {
		return nil, fmt.Errorf("nothing is said of key %d of %s: an empty key is a nil program", key, sym)
	}
	for _, p := range held {
		c := choice{p, p != nil || m.w.Layout.Counter.MissSpends}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out, nil
}

// tailArgs reads the arguments of bpf_tail_call: context, map, key.
func (m *machine) tailArgs() (sym string, key value, err error) {
	a := args{m: m}
	if m.regs[asm.R1].kind == unset {
		a.check(asm.R1, errUnset)
	}
	array := m.regs[asm.R2]
	if a.err == nil && (array.kind != ofMap || array.n != 0) {
		a.err = fmt.Errorf("r2 holds %v, not a map", array.kind)
	}
	if a.number(asm.R3); a.err != nil {
		return "", value{}, a.err
	}
	return m.w.maps[array.id], m.regs[asm.R3], nil
}

// take carries out the tail call: it enters a program in place of the running function, or
// goes on.
func (m *machine) take(c choice) error {
	if c.spends {
		m.top().counter++
	}
	if c.prog == nil {
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
	m.clobber(asm.R0)
	if err := m.leave(); err != nil {
		return err
	}
	m.frames = m.frames[:len(m.frames)-1]
	m.enter(frame{prog: c.prog, ret: f.ret, saved: f.saved, counter: f.counter})
	m.regs[asm.R1] = ctx
	m.last = c.prog.Name
	return nil
}
