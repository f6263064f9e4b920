package workload

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"

	"tailpoke/jit/host"
	"tailpoke/jit/interp"
)

// Maps are maps by the symbols that programs load.
type Maps map[string]*ebpf.MapSpec

// Flags of a map, of the UAPI.
const (
	noPrealloc   = 1 << 0 // BPF_F_NO_PREALLOC
	readOnlyProg = 1 << 7 // BPF_F_RDONLY_PROG
	mmapable     = 1 << 10
	knownFlags   = noPrealloc | readOnlyProg | mmapable
)

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
		kind, err := kindOf(spec)
		if err != nil {
			return nil, fmt.Errorf("map %q: %w", name, err)
		}
		contents, err := contentsOf(spec)
		if err != nil {
			return nil, fmt.Errorf("map %q: %w", name, err)
		}
		out[name] = host.MapSpec{
			Kind: kind, KeySize: int(spec.KeySize), ValueSize: int(spec.ValueSize),
			MaxEntries: int(spec.MaxEntries), Contents: contents,
		}
	}
	return out, nil
}

// Interp are the same maps, for the interpreter.
func (m Maps) Interp() (map[string]*interp.Map, error) {
	kinds := map[host.MapKind]interp.MapKind{
		host.Array: interp.Array, host.PerCPUArray: interp.PerCPUArray, host.Hash: interp.Hash,
	}
	specs, err := m.Host()
	if err != nil {
		return nil, err
	}
	out := map[string]*interp.Map{}
	for name, s := range specs {
		out[name] = &interp.Map{
			Kind: kinds[s.Kind], KeySize: uint32(s.KeySize), ValueSize: uint32(s.ValueSize),
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

func kindOf(spec *ebpf.MapSpec) (host.MapKind, error) {
	if f := spec.Flags &^ knownFlags; f != 0 {
		return 0, fmt.Errorf("flags %#x are not supported", f)
	}
	switch spec.Type {
	case ebpf.Array:
		return host.Array, nil
	case ebpf.PerCPUArray:
		return host.PerCPUArray, nil
	case ebpf.Hash:
		return host.Hash, nil
	}
	return 0, fmt.Errorf("a %v is not supported: there are arrays, per-CPU arrays, hashes and prog arrays", spec.Type)
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
