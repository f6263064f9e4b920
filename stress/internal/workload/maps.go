package workload

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"tailpoke/jit/host"
	"tailpoke/jit/interp"
)

// Maps are maps by the symbols that programs load.
type Maps map[string]*ebpf.MapSpec

// readOnlyProg is the flag of a map that programs cannot write, BPF_F_RDONLY_PROG of the UAPI. The
// others say nothing of what a program finds.
const readOnlyProg = 1 << 7

// mostHashed bounds the elements of a hash outside of a kernel. With fewer than it says it is full
// earlier, as it may be at any time.
const mostHashed = 1 << 12

// ProgArrays are the prog arrays with their numbers of keys.
func (m Maps) ProgArrays() map[string]int {
	arrays := map[string]int{}
	for name, spec := range m {
		if spec.Type == ebpf.ProgramArray {
			arrays[name] = int(spec.MaxEntries)
		}
	}
	return arrays
}

// Host are the maps beside prog arrays, for images.
func (m Maps) Host() (map[string]host.MapSpec, error) {
	out := map[string]host.MapSpec{}
	for name, spec := range m {
		if spec.Type == ebpf.ProgramArray {
			continue
		}
		m := host.MapSpec{
			KeySize: int(spec.KeySize), ValueSize: int(spec.ValueSize), MaxEntries: max(1, int(spec.MaxEntries)),
		}
		m.Object = isOfKernel(name)
		switch m.Kind, m.Evicts = kindOf(spec); m.Kind {
		case host.Opaque: // what it has to begin with, nobody finds
		case host.Array, host.PerCPUArray:
			var err error
			m.Given = !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "fd ") // no variables
			if m.Contents, err = contentsOf(spec); err != nil {
				return nil, fmt.Errorf("map %q: %w", name, err)
			}
		default:
			m.MaxEntries = min(m.MaxEntries, mostHashed)
		}
		out[name] = m
	}
	return out, nil
}

// Interp are the same maps, for the interpreter. Threads share them: which keys a hash has, of whatever
// kind, is not known.
func (m Maps) Interp() (map[string]*interp.Map, error) {
	kinds := map[host.MapKind]interp.MapKind{
		host.Array: interp.Array, host.PerCPUArray: interp.PerCPUArray,
		host.Hash: interp.Hash, host.PerCPUHash: interp.Hash, host.LPMTrie: interp.Hash,
	}
	specs, err := m.Host()
	if err != nil {
		return nil, err
	}
	out := map[string]*interp.Map{}
	for name, s := range specs {
		kind, ok := kinds[s.Kind]
		if !ok { // nothing is said of it
			continue
		}
		out[name] = &interp.Map{
			Kind: kind, KeySize: uint32(s.KeySize), ValueSize: uint32(s.ValueSize),
			MaxEntries: uint32(s.MaxEntries), ReadOnly: m[name].Flags&readOnlyProg != 0,
		}
		for _, p := range s.Contents {
			if err := out[name].Put(p.Key, p.Value); err != nil {
				return nil, fmt.Errorf("map %q: %w", name, err)
			}
		}
	}
	return out, nil
}

// Flat is a map as memory: of an array its values, Stride bytes from one to the next.
type Flat struct {
	Values     []byte // nil: they are too many
	Stride     int    // 0: it is no array
	MaxEntries int
}

// Flat are the maps beside prog arrays, those with at most so many bytes with their values.
func (m Maps) Flat(most int) (map[string]Flat, error) {
	specs, err := m.Host()
	if err != nil {
		return nil, err
	}
	out := map[string]Flat{}
	for name, s := range specs {
		f := Flat{MaxEntries: s.MaxEntries}
		if s.Kind == host.Array {
			f.Stride = (s.ValueSize + 7) &^ 7
			if s.MaxEntries <= most/f.Stride {
				f.Values = make([]byte, f.Stride*s.MaxEntries)
			}
			for _, p := range s.Contents {
				if at := int(binary.LittleEndian.Uint32(p.Key)) * f.Stride; at < len(f.Values) {
					copy(f.Values[at:], p.Value)
				}
			}
		}
		out[name] = f
	}
	return out, nil
}

// kindOf is what stands for a map outside of a kernel, and whether it makes room when it is full.
func kindOf(spec *ebpf.MapSpec) (kind host.MapKind, evicts bool) {
	switch spec.Type {
	case ebpf.Array:
		return host.Array, false
	case ebpf.PerCPUArray:
		return host.PerCPUArray, false
	case ebpf.Hash:
		return host.Hash, false
	case ebpf.LRUHash:
		return host.Hash, true
	case ebpf.PerCPUHash:
		return host.PerCPUHash, false
	case ebpf.LRUCPUHash:
		return host.PerCPUHash, true
	case ebpf.LPMTrie:
		return host.LPMTrie, false
	}
	return host.Opaque, false
}

// contentsOf reads what an object file gives a map: the values of variables.
func contentsOf(spec *ebpf.MapSpec) ([]host.Pair, error) {
	var out []host.Pair
	for _, kv := range spec.Contents {
		key, ok := kv.Key.(uint32)
		value, ok2 := kv.Value.([]byte)
		if !ok || !ok2 {
			return nil, fmt.Errorf("contents %T: %T are not supported", kv.Key, kv.Value)
		}
		out = append(out, host.Pair{Key: binary.LittleEndian.AppendUint32(nil, key), Value: value})
	}
	return out, nil
}
