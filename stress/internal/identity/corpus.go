package identity

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
)

// Corpus is the programs that identity is asked for: every operation on every register,
// jumps at the limits of their sizes, tail calls from every shape of frame, calls of all
// kinds, programs of other types, and n programs by chance, every fourth of them of a type that
// has private stacks.
func Corpus(seed uint64, n int) []Sample {
	var out []Sample
	for _, samples := range [][]Sample{
		opSamples(), memorySamples(), jumpSamples(), tailCallSamples(), helperSamples(), kindSamples(),
	} {
		out = append(out, samples...)
	}
	for i := range n {
		name := fmt.Sprintf("random %#x/%d", seed, i)
		if i%4 == 3 {
			out = append(out, sampleOf(name, ebpf.RawTracepoint,
				onTracepoint(randomProgram(seed, uint64(i), alone))))
			continue
		}
		out = append(out, sampleOf(name, ebpf.SchedCLS, randomProgram(seed, uint64(i), withHelpers)))
	}
	return out
}

// ObjectSamples are all programs of an object file.
func ObjectSamples(spec *ebpf.CollectionSpec) []Sample {
	var out []Sample
	for _, name := range sortedKeys(spec.Programs) {
		out = append(out, Sample{name, spec, name})
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
