package main

import (
	"maps"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// An object is a file, and the answers about it.
type object struct {
	name, file string
	same       []string // what else compiles to the same code
	unread     error    // why it could not be read, or nil
	programs   []string // all of them
	tailing    []string // those of them that make a tail call

	identity *answer
	runs     map[string]*answer // by entry
}

// entries are the programs that are asked about.
func (ob *object) entries() []string {
	if len(ob.tailing) == 0 && len(ob.programs) > 0 {
		return ob.programs[:1]
	}
	return ob.tailing
}

// readObject reads which programs an object has.
func readObject(name, file string) *object {
	ob := &object{name: name, file: file, runs: map[string]*answer{}}
	spec, err := ebpf.LoadCollectionSpec(file)
	if err != nil {
		ob.unread = err
		return ob
	}
	ob.programs = sortedKeys(spec.Programs)
	for _, p := range ob.programs {
		if slices.ContainsFunc(spec.Programs[p].Instructions, isTailCall) {
			ob.tailing = append(ob.tailing, p)
		}
	}
	return ob
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func isTailCall(ins asm.Instruction) bool {
	return ins.IsBuiltinCall() && asm.BuiltinFunc(ins.Constant) == asm.FnTailCall
}
