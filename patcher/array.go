package patcher

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/text"
)

// ProgArray is a prog array: keys that hold programs, and the direct sites that follow
// them.
type ProgArray struct {
	p    *Patcher
	name string
	addr uint64 // of the struct that indirect sites read
	off  int    // of it in the patcher's data

	pokeMutex sync.Mutex
	held      []*Program // by key
	unrolled  map[unrolling][]protocol.Action
	pokers    []*pokeDescriptor // in tracking order
}

// ErrNoRoom says that the memory for prog arrays, 4 MiB for all of them, is too small.
var ErrNoRoom = errors.New("do not fit")

// NewArray makes an empty prog array. The error wraps [ErrNoRoom] if it has too many keys.
func (p *Patcher) NewArray(name string, keys int) (*ProgArray, error) {
	size := int(p.cfg.Offsets.Ptrs) + 8*keys
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.arrays[name]; ok {
		return nil, fmt.Errorf("prog array %q exists", name)
	}
	if keys < 1 || p.top+size > dataSize {
		return nil, fmt.Errorf("prog array %q: %d keys %w", name, keys, ErrNoRoom)
	}
	a := &ProgArray{
		p: p, name: name, off: p.top, addr: p.data.Addr(p.top),
		held: make([]*Program, keys), unrolled: map[unrolling][]protocol.Action{},
	}
	p.top += (size + 63) &^ 63
	p.data.Store4(a.off+int(p.cfg.Offsets.MaxEntries), uint32(keys))
	p.arrays[name] = a
	return a, nil
}

// Addr returns the address of the array, which programs load: indirect sites read there.
func (a *ProgArray) Addr() uint64 { return a.addr }

// Keys returns how many keys the array has.
func (a *ProgArray) Keys() int { return len(a.held) }

// Update gives a key a program: an install where it held none, else an update. An error
// of a poke or of a grace period leaves the operation half done, as the kernel's BUG
// does: the array is good for looking at, not for further operations.
func (a *ProgArray) Update(key int, prog *Program) error {
	_, err := a.operate(key, prog)
	return err
}

// Delete empties a key. It reports whether the key held a program; if not, nothing is
// done (the kernel's -ENOENT).
func (a *ProgArray) Delete(key int) (bool, error) {
	o, err := a.operate(key, nil)
	return o.old != nil, err
}

// operate carries one operation of the protocol out.
func (a *ProgArray) operate(key int, next *Program) (*operation, error) {
	o := &operation{a: a, key: key, next: next, changedAt: -1}
	if key < 0 || key >= len(a.held) {
		return o, fmt.Errorf("%s has %d keys, no key %d", a.name, len(a.held), key)
	}
	err := o.locked()
	for _, prog := range o.erased {
		a.p.untrack(prog)
		a.p.release(prog)
	}
	if err != nil {
		err = fmt.Errorf("%v of key %d of %s: %w", o.kind, key, a.name, err)
	}
	return o, err
}

// locked carries the operation out under the poke mutex.
func (o *operation) locked() error {
	a := o.a
	a.pokeMutex.Lock()
	defer a.pokeMutex.Unlock()
	o.old = a.held[o.key]
	switch next := o.next; {
	case o.old == nil && next == nil:
		return nil
	case o.old == nil:
		o.kind = protocol.Install
	case next == nil:
		o.kind = protocol.Remove
	default:
		o.kind = protocol.Update
	}
	if o.next != nil && !o.next.take() {
		return fmt.Errorf("%s: %w", o.next.Name, errGone)
	}
	a.held[o.key] = o.next
	return o.run()
}

// unrolling names the actions of an operation on a number of descriptors.
type unrolling struct {
	op    protocol.OpKind
	descs int
}

// actions is [protocol.Protocol.Unroll], remembered.
func (a *ProgArray) actions(op protocol.OpKind, descs int) []protocol.Action {
	u := unrolling{op, descs}
	acts, ok := a.unrolled[u]
	if !ok {
		acts = a.p.cfg.Protocol.Unroll(op, descs)
		a.unrolled[u] = acts
	}
	return acts
}

// stable returns the descriptors of a key that pokes must not pass by.
func (a *ProgArray) stable(key int) []*pokeDescriptor {
	var out []*pokeDescriptor
	for _, d := range a.pokers {
		if d.site.Key == key && d.stable.Load() {
			out = append(out, d)
		}
	}
	return out
}

func (a *ProgArray) track(d *pokeDescriptor) {
	a.pokeMutex.Lock()
	defer a.pokeMutex.Unlock()
	a.pokers = append(a.pokers, d)
}

func (a *ProgArray) untrack(d *pokeDescriptor) {
	a.pokeMutex.Lock()
	defer a.pokeMutex.Unlock()
	a.pokers = slices.DeleteFunc(a.pokers, func(x *pokeDescriptor) bool { return x == d })
}

// publish exchanges the pointer that indirect sites read.
func (a *ProgArray) publish(key int, prog *Program) {
	ptr := uint64(0)
	if prog != nil {
		ptr = a.p.data.Addr(a.p.structOff(prog))
	}
	a.p.data.Store8(a.off+int(a.p.cfg.Offsets.Ptrs)+8*key, ptr)
}

// poke carries one poke out; prog is the program that the key is given.
func (p *Patcher) poke(d *pokeDescriptor, act protocol.Action, prog *Program) (bool, error) {
	next := p.cfg.Nop
	if act.To == protocol.Jump {
		next = d.jump(act.Slot, prog)
	}
	changed, err := p.poker.Poke(d.at(act.Slot), d.insns[act.Slot], next)
	if err != nil {
		return false, err
	}
	d.insns[act.Slot] = next
	return changed, nil
}

// Slots returns what the slots of the program's sites hold, and where they are.
func (prog *Program) Slots() []Slots {
	out := make([]Slots, len(prog.pokes))
	for i, d := range prog.pokes {
		out[i] = Slots{Key: d.site.Key, Array: d.array.name, Insns: d.insns}
		for s := range out[i].At {
			out[i].At[s] = d.at(protocol.Slot(s))
		}
	}
	return out
}

// Slots are the slots of a site.
type Slots struct {
	Array string
	Key   int
	At    [protocol.Slots]exec.Off
	Insns [protocol.Slots]text.Insn
}
