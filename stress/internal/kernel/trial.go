package kernel

import (
	"errors"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/stress/internal/live"
)

// What a run rests on is tried before: that an event executes what is attached to it, and that
// executions take a tail call. Neither shows in what programs return, which is 0 for many types.

// definite remembers what is answered once it is no lack of the process at that moment.
func definite(ask func() error) func() error {
	var mu sync.Mutex
	known, answer := false, error(nil)
	return func() error {
		mu.Lock()
		defer mu.Unlock()
		if !known {
			answer = ask()
			known = live.Lack(answer) == nil
		}
		return answer
	}
}

// A counting program counts how often it is executed, and returns 0.
type counting struct {
	*ebpf.Program
	in *ebpf.Map
}

// newCounting makes one that can be where the entry can.
func newCounting(entry *ebpf.ProgramSpec) (*counting, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "tailpoke_count", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		return nil, err
	}
	p, err := loadProgram(&ebpf.CollectionSpec{}, nil, &ebpf.ProgramSpec{
		Name: "tailpoke_count", Type: entry.Type, AttachType: entry.AttachType, AttachTo: entry.AttachTo, License: "GPL",
		Instructions: append(asm.Instructions{
			asm.LoadMapValue(asm.R1, m.FD(), 0), asm.Mov.Imm(asm.R2, 1), asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0),
		}, returning(0)...),
	})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &counting{p, m}, nil
}

func (c *counting) count() (n uint64, err error) {
	err = c.in.Lookup(uint32(0), &n)
	return n, err
}

func (c *counting) Close() error { return errors.Join(c.Program.Close(), c.in.Close()) }

// reaches says that the event executes programs like the entry.
func (e *event) reaches(entry *ebpf.ProgramSpec) error {
	p, err := newCounting(entry)
	if err != nil {
		return err
	}
	defer p.Close()
	at, err := e.attach(p.Program)
	if err != nil {
		return err
	}
	defer at.Close()
	if err := e.fire(); err != nil {
		return err
	}
	if n, err := p.count(); err != nil || n > 0 {
		return err
	}
	return errors.New("what should execute it does not")
}

// misses says that executions take no tail call, if that can be tried: every key holds a program that
// counts.
func (f *Fit) misses(l *loaded, in Input) bool {
	x := newExecutor(l.entry)
	defer x.close()
	if x.idle != "" {
		return false
	}
	p, err := newCounting(l.entry)
	if err != nil {
		return false
	}
	defer p.Close()
	for _, k := range f.Keys {
		array := l.arrays[k.Map]
		if err := array.Put(uint32(k.Index), p.Program); err != nil {
			return false
		}
		defer array.Delete(uint32(k.Index))
	}
	if err := x.probe(l.entry, l.callers[0].Program, in); err != nil {
		return false
	}
	n, err := p.count()
	return err == nil && n == 0
}
