//go:build linux && amd64

package native

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/host"
	"tailpoke/jit/interp"
)

// A pair is the interpreter and a machine, in worlds that were equal in the beginning.
type pair struct {
	f        *family
	layout   *jit.Layout
	programs map[string]*jit.Program
	machine  *Machine

	maps map[string]*interp.Map
	held map[slot]string

	ours, theirs []string // lines that the machine and the interpreter printed
}

func newPair(f *family, l *jit.Layout) (*pair, error) {
	p := &pair{
		f: f, layout: l, programs: map[string]*jit.Program{},
		maps: map[string]*interp.Map{}, held: map[slot]string{},
	}
	var all []*jit.Program
	for i, insns := range append(slices.Clip(f.programs), reader()) {
		parsed, err := jit.Parse(f.name(i), insns)
		if err != nil {
			return nil, fmt.Errorf("program %s: %w", f.name(i), err)
		}
		p.programs[f.name(i)] = parsed
		all = append(all, parsed)
	}
	specs := f.maps()
	for name, s := range specs {
		if name == "packet" { // it is the reader's, which the interpreter does not run
			continue
		}
		var err error
		if p.maps[name], err = interpMap(s, name == ".rodata"); err != nil {
			return nil, fmt.Errorf("map %s: %w", name, err)
		}
	}
	var err error
	p.machine, err = New(Config{
		Layout: l, Programs: all, Arrays: progArrays, CtxSize: len(f.runs[0].ctx),
		Host: host.Config{
			Maps: specs, Packet: []byte{0},
			Trace: func(line []byte) { p.ours = append(p.ours, string(line)) },
		},
	})
	return p, err
}

// interpMap is the map as the interpreter has it.
func interpMap(s host.MapSpec, readOnly bool) (*interp.Map, error) {
	m := &interp.Map{
		Kind: interpKinds[s.Kind], KeySize: uint32(s.KeySize), ValueSize: uint32(s.ValueSize),
		MaxEntries: uint32(s.MaxEntries), ReadOnly: readOnly,
	}
	for _, kv := range s.Contents {
		if err := m.Put(kv.Key, kv.Value); err != nil {
			return nil, err
		}
	}
	return m, nil
}

var interpKinds = map[host.MapKind]interp.MapKind{
	host.Array: interp.Array, host.PerCPUArray: interp.PerCPUArray, host.Hash: interp.Hash,
}

// put gives a key of a prog array a program, "" for none, on both sides.
func (p *pair) put(c change) error {
	p.held[c.slot] = c.program
	if c.program == "" {
		_, err := p.machine.Delete(c.array, c.key)
		return err
	}
	return p.machine.Put(c.array, c.key, c.program)
}

// reset gives maps of one element their contents before a run, on both sides.
func (p *pair) reset() error {
	zero := make([]byte, 4)
	fuel := binary.LittleEndian.AppendUint64(nil, p.f.fuel)
	var errs []error
	for name, value := range map[string][]byte{"fuel": fuel, "seen": make([]byte, seenSize)} {
		errs = append(errs, p.maps[name].Put(zero, value), p.machine.Host().Map(name).Put(zero, value))
	}
	return errors.Join(errs...)
}

// interpret is a run in the interpreter.
func (p *pair) interpret(r *run, ctx, packet []byte) (interp.Outcome, error) {
	w := interp.World{
		Ctx: ctx, Layout: p.layout, Maps: p.maps, MaxSteps: 1 << 16,
		MaxEntries: func(array string) uint32 { return uint32(progArrays[array]) },
		Held: func(array string, key uint32) []*jit.Program {
			return []*jit.Program{p.programs[p.held[slot{array, key}]]}
		},
		Random: 0x80000001, Now: 1 << 40,
		Trace: func(line string) { p.theirs = append(p.theirs, line) },
	}
	if p.f.skb {
		w.CtxKind, w.Packet = interp.CtxSkb, packet
	}
	return interp.Run(p.programs[r.entry], w)
}

// How long a run may take: one whose end was predicted, and one of which the interpreter saw none.
// A machine looks every 50 ms.
const (
	patience   = 3 * time.Second
	impatience = time.Millisecond
)

// errUnjudged says that the interpreter predicts nothing.
var errUnjudged = errors.New("not predicted")

// run is one run on both sides. The error wraps errUnjudged where there is nothing to compare.
func (p *pair) run(r *run) (tails int, err error) {
	if err := p.prepare(r); err != nil {
		return 0, err
	}
	ctx, packet := slices.Clone(r.ctx), slices.Clone(r.packet)
	if p.f.skb {
		p.machine.Host().Skb(ctx)
	}
	want, err := p.interpret(r, slices.Clone(ctx), packet)
	if errors.Is(err, interp.ErrBounded) {
		if err := p.endless(r, ctx); err != nil {
			return 0, err
		}
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errUnjudged, err)
	}
	before := slices.Clone(ctx)
	got, err := p.machine.Run(r.entry, ctx, patience)
	switch {
	case errors.Is(err, ErrStackUsedUp) && p.layout.Counter.Calls == jit.CounterResets:
		return 0, fmt.Errorf("%w: %w", errUnjudged, err) // the interpreter's bound is more than a stack holds
	case err != nil:
		return 0, fmt.Errorf("%w; want %#x by way of %v", err, want.R0, want.Tails)
	case got != want.R0:
		return 0, fmt.Errorf("returns %#x, want %#x by way of %v", got, want.R0, want.Tails)
	}
	return len(want.Tails), errors.Join(
		p.sameMaps(), p.sameContext(&want, before, ctx), p.samePacket(ctx, packet), p.sameLines())
}

// prepare makes both sides ready for a run.
func (p *pair) prepare(r *run) error {
	for _, c := range r.changes {
		if err := p.put(c); err != nil {
			return err
		}
	}
	if r.reload != "" { // to the interpreter a program is what it says
		if err := p.machine.Reload(r.reload); err != nil {
			return err
		}
	}
	p.ours, p.theirs = nil, nil
	return errors.Join(p.reset(), p.machine.Host().SetPacket(r.packet))
}

// endless runs what may have no end. It is thrown out, or uses up its stack, or ends after all.
func (p *pair) endless(r *run, ctx []byte) error {
	_, err := p.machine.Run(r.entry, ctx, impatience)
	if errors.Is(err, ErrEndless) || errors.Is(err, ErrStackUsedUp) {
		return nil
	}
	return err
}

func (p *pair) sameMaps() error {
	var errs []error
	for name, m := range p.maps {
		ours := p.machine.Host().Map(name)
		same := func(key []byte) {
			if got, want := ours.Value(key, 0), m.Get(key); !bytes.Equal(got, want) {
				errs = append(errs, fmt.Errorf("map %s, key % x: % x, want % x", name, key, got, want))
			}
		}
		for key := range m.All() {
			same(key)
		}
		for n := range uint64(8) { // that the other side alone may have
			same(binary.LittleEndian.AppendUint64(nil, n)[:m.KeySize])
		}
	}
	return errors.Join(errs...)
}

// sameContext compares what the context holds: with what the last program has shown of it, or with
// what it was.
func (p *pair) sameContext(want *interp.Outcome, before, after []byte) error {
	seen := p.maps["seen"].Get(make([]byte, 4))
	expected := slices.Clone(before)
	switch {
	case seen[0] != 0:
		copy(expected, seen[8:])
		if p.f.skb {
			for _, a := range skbAddresses {
				copy(expected[a[0]:a[1]], before[a[0]:])
			}
		}
	case want.CtxWritten:
		return nil // and not shown
	}
	if !bytes.Equal(after, expected) {
		return fmt.Errorf("context\n% x, want\n% x", after, expected)
	}
	return nil
}

// samePacket has a program read the packet.
func (p *pair) samePacket(ctx, want []byte) error {
	if !p.f.skb {
		return nil
	}
	r0, err := p.machine.Run(p.f.name(len(p.f.programs)), ctx, patience)
	if err != nil || r0 != 0 && len(want) > 0 {
		return fmt.Errorf("reading the packet: %#x, %w", r0, err)
	}
	if got := p.machine.Host().Map("packet").Value(make([]byte, 4), 0)[:len(want)]; !bytes.Equal(got, want) {
		return fmt.Errorf("packet % x, want % x", got, want)
	}
	return nil
}

// reader copies the packet to a map.
func reader() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R2, 0), valueAt(asm.R3, "packet", 0), asm.LoadMem(asm.R4, asm.R1, 0, asm.Word),
		asm.FnSkbLoadBytes.Call(), asm.Return(),
	}
}

// sameLines compares what was printed, but for addresses: the interpreter knows how long they are.
func (p *pair) sameLines() error {
	const address = "(____ptrval____)"
	if len(p.ours) != len(p.theirs) {
		return fmt.Errorf("%d lines %q, want %d %q", len(p.ours), p.ours, len(p.theirs), p.theirs)
	}
	for i, want := range p.theirs {
		got := p.ours[i]
		if at := strings.Index(want, address); at >= 0 && len(got) == len(want) {
			got = got[:at] + address + got[at+len(address):]
		}
		if got != want {
			return fmt.Errorf("prints %q, want %q", got, want)
		}
	}
	return nil
}
