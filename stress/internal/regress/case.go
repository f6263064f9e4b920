package regress

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// Case is one regression case.
type Case struct {
	Name   string
	Origin string // the case of the kernel that it follows, or what it is for

	// Programs are those that the case takes of its source, the one that runs first. Their maps
	// and global variables go with them.
	Programs []string

	// Count names the global variables, of 32 bits, that count the tail calls an execution took.
	// They are set to zero before every run. Without one, tail-limit is not judged.
	Count []string
	// CountsEntry: the entry counts itself as well, which is no tail call.
	CountsEntry bool

	Steps []Step

	source source
}

// source makes the collection that a case takes its programs from, anew at each call.
type source = func() (*ebpf.CollectionSpec, error)

// Entry is the program that runs unless a step names another.
func (c *Case) Entry() string { return c.Programs[0] }

// Collection is the case's programs, with the maps and variables that these name. Every call
// makes a new one.
func (c *Case) Collection() (*ebpf.CollectionSpec, error) {
	all, err := c.source()
	if err != nil {
		return nil, fmt.Errorf("case %s: %w", c.Name, err)
	}
	spec := &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{}, Programs: map[string]*ebpf.ProgramSpec{},
		Variables: map[string]*ebpf.VariableSpec{}, Types: all.Types, ByteOrder: all.ByteOrder,
	}
	for _, name := range c.Programs {
		p, ok := all.Programs[name]
		if !ok {
			return nil, fmt.Errorf("case %s: its source has no program %q", c.Name, name)
		}
		spec.Programs[name] = p
		for i := range p.Instructions {
			ref := p.Instructions[i].Reference()
			if m, ok := all.Maps[ref]; ok && p.Instructions[i].IsLoadFromMap() {
				spec.Maps[ref] = m
			}
		}
	}
	for name, v := range all.Variables {
		if spec.Maps[v.SectionName] != nil {
			spec.Variables[name] = v
		}
	}
	return spec, nil
}

// Tails is how many tail calls the last run took, by what the variables hold that count them.
func (c *Case) Tails(variable func(name string) (uint64, error)) (int, error) {
	sum := 0
	for _, name := range c.Count {
		v, err := variable(name)
		if err != nil {
			return 0, err
		}
		sum += int(v)
	}
	if c.CountsEntry {
		sum--
	}
	return sum, nil
}

// endless says whether some run of the case does not end in an era.
func (c *Case) endless(e Era) bool {
	for _, s := range c.Steps {
		if r, ok := s.(Run); ok && r.want(e).Endless {
			return true
		}
	}
	return false
}
