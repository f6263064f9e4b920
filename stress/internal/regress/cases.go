package regress

import (
	"embed"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"

	"github.com/cilium/ebpf"

	"tailpoke/stress/internal/workload"
)

// Cases lists the cases, in the kernel's order, with those of our own after what they sharpen.
func Cases() []Case {
	return slices.Concat(mainCases(), functionCases(), hierarchyCases(), []Case{pokeCase()},
		jitCases(), suiteCases(), []Case{sockex3Case(), tracex5Case()})
}

// objects are what scripts/gen makes of bpf/*.c.
//
//go:embed bpf/*.o
var objects embed.FS

var (
	tailcallELF  = elf("tailcall.o")
	bpf2bpfELF   = elf("bpf2bpf.o")
	hierarchyELF = elf("hierarchy.o")
	sockex3ELF   = elf("sockex3.o")
	tracex5ELF   = elf("tracex5.o")
)

// elf is an object file that clang made. It is decoded once, whatever the number of cases.
func elf(name string) source {
	decode := sync.OnceValues(func() (*ebpf.CollectionSpec, error) {
		return workload.Decode(name, Objects()[name])
	})
	return func() (*ebpf.CollectionSpec, error) {
		spec, err := decode()
		if err != nil {
			return nil, err
		}
		return spec.Copy(), nil
	}
}

// Objects are the object files that cases take programs from, by name.
func Objects() map[string][]byte {
	out := map[string][]byte{}
	names, err := fs.Glob(objects, "bpf/*.o")
	for _, name := range names {
		if out[path.Base(name)], err = objects.ReadFile(name); err != nil {
			break
		}
	}
	if err != nil {
		panic("regress: the built-in objects: " + err.Error())
	}
	return out
}

// runs runs the entry with a packet.
func runs(packet []byte, want Want) Run { return Run{Input: Input{Packet: packet}, Want: want} }

// gives runs the entry with a packet that is not looked at.
func gives(r0 uint32) Run { return runs(plain, Want{R0: r0}) }

// until612 is a run that had another result before all functions shared one count and a miss
// was free.
func (r Run) until612(w Want) Run {
	r.But = map[Era]Want{Seed: w, V510: w}
	return r
}

// but is a run with another result in one era.
func (r Run) but(e Era, w Want) Run {
	but := map[Era]Want{e: w}
	maps.Copy(but, r.But)
	r.But = but
	return r
}

// neverEnds is what becomes of a run that the limit does not end.
var neverEnds = Want{Endless: true, Breaks: TailLimit}
