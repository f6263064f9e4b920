package regress

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"

	"tailpoke/jit"
	"tailpoke/stress/internal/workload"
)

// prepared is a case for a column outside of the kernel.
type prepared struct {
	spec     *ebpf.CollectionSpec
	programs map[string]*jit.Program
	maps     workload.Maps
}

func prepare(c *Case) (*prepared, error) {
	spec, err := c.Collection()
	if err != nil {
		return nil, err
	}
	p := &prepared{spec: spec, programs: map[string]*jit.Program{}, maps: workload.Maps(spec.Maps)}
	for name, ps := range spec.Programs {
		if p.programs[name], err = jit.Parse(name, ps.Instructions); err != nil {
			return nil, fmt.Errorf("program %s: %w", name, err)
		}
	}
	return p, nil
}

// argsSize is the size of a raw tracepoint's context, in bytes: twelve words, as the kernel has it.
const argsSize = 12 * 8

// context makes what a program is run with.
func (p *prepared) context(prog string, in Input) (workload.Context, error) {
	ps, ok := p.spec.Programs[prog]
	if !ok {
		return workload.Context{}, fmt.Errorf("no program %q", prog)
	}
	if in.Args == nil {
		return workload.ContextOf(ps.Type, in.Packet), nil
	}
	if len(in.Args) > argsSize/8 {
		return workload.Context{}, fmt.Errorf("%d arguments are more than %d", len(in.Args), argsSize/8)
	}
	ctx := make([]byte, argsSize)
	for i, a := range in.Args {
		binary.LittleEndian.PutUint64(ctx[8*i:], a)
	}
	return workload.Context{Bytes: ctx}, nil
}

// table is a map whose elements can be read and written.
type table interface {
	Get(key []byte) []byte // a copy; nil if there is none
	Put(key, value []byte) error
}

// variables reads and writes global variables, which are in maps of one value.
type variables struct {
	p     *prepared
	table func(name string) table
}

var firstKey = make([]byte, 4)

// find says where a variable of four bytes lies: in the one value of a map.
func (v variables) find(name string) (t table, at int, err error) {
	spec, ok := v.p.spec.Variables[name]
	if !ok || spec.Size() != 4 {
		return nil, 0, fmt.Errorf("no variable %q of 4 bytes", name)
	}
	return v.table(spec.SectionName), int(spec.Offset), nil
}

func (v variables) Variable(name string) (uint64, error) {
	t, at, err := v.find(name)
	if err != nil {
		return 0, err
	}
	return uint64(binary.LittleEndian.Uint32(t.Get(firstKey)[at:])), nil
}

func (v variables) SetVariable(name string, value uint64) error {
	t, at, err := v.find(name)
	if err != nil {
		return err
	}
	all := t.Get(firstKey)
	binary.LittleEndian.PutUint32(all[at:], uint32(value))
	return t.Put(firstKey, all)
}

func (v variables) Element(m string, key []byte) ([]byte, error) {
	if _, ok := v.p.maps[m]; !ok {
		return nil, fmt.Errorf("no map %q", m)
	}
	value := v.table(m).Get(key)
	if value == nil {
		return nil, fmt.Errorf("%s: %w", m, ErrNoKey)
	}
	return value, nil
}
