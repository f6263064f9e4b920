package kernel

import (
	"errors"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// patient is how long the verifier may take to refuse a program that it is asked about again, for its
// reasons.
const patient = 2 * time.Second

// kernelTypes are those of the running kernel. To read them takes longer than to load most programs, in
// an emulator seconds.
var kernelTypes = btf.NewCache()

// loadProgram loads one program over maps that there are.
func loadProgram(spec *ebpf.CollectionSpec, over map[string]*ebpf.Map, p *ebpf.ProgramSpec) (*ebpf.Program, error) {
	one := spec.Copy()
	one.Programs = map[string]*ebpf.ProgramSpec{p.Name: p.Copy()}
	load := func(silent bool) (*ebpf.Collection, error) {
		return ebpf.NewCollectionWithOptions(one, ebpf.CollectionOptions{
			MapReplacements: over, Programs: ebpf.ProgramOptions{LogDisabled: silent}, Cache: kernelTypes,
		})
	}
	begun := time.Now()
	coll, err := load(true)
	if err != nil && time.Since(begun) < patient {
		coll, err = load(false)
	}
	if err != nil {
		return nil, err // it names the program
	}
	defer coll.Close()
	if one := coll.DetachProgram(p.Name); one != nil {
		return one, nil
	}
	return nil, errors.New("its section names no type of program: --type says it") // the library leaves it out
}
