package kernel

import (
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"

	"github.com/cilium/ebpf"
)

// mapBytesMax bounds the maps of a run. The loader makes them once more.
const mapBytesMax = 256 << 20

// mapsOf takes the maps out of a collection that programs and keys name, and those that are in
// them, without what the prog arrays hold. The error says that they are too large to be made here.
func mapsOf(spec *ebpf.CollectionSpec, programs []*ebpf.ProgramSpec, keys []protocol.Key) (map[string]*ebpf.MapSpec, error) {
	out := map[string]*ebpf.MapSpec{}
	var keep func(name string)
	keep = func(name string) {
		m := spec.Maps[name]
		if m == nil || out[name] != nil {
			return // no map, but a function perhaps
		}
		out[name] = m
		m.Pinning = ebpf.PinNone
		if m.Type == ebpf.ProgramArray {
			m.Contents = nil
		}
		for _, kv := range m.Contents {
			if inner, ok := kv.Value.(string); ok {
				keep(inner)
			}
		}
	}
	for _, p := range programs {
		for i := range p.Instructions {
			keep(p.Instructions[i].Reference())
		}
	}
	for _, k := range keys {
		keep(k.Map)
	}
	return out, bound(out)
}

// bound refuses maps that take too much memory.
func bound(specs map[string]*ebpf.MapSpec) error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return err
	}
	sum, largest, name := 0.0, 0.0, ""
	for n, m := range specs {
		b := mapBytes(m, cpus)
		sum += b
		if b > largest || b == largest && n < name {
			largest, name = b, n
		}
	}
	if sum > mapBytesMax {
		return fmt.Errorf("%w: its maps take %.0f MiB, of which %q takes %.0f: at most %d are made here",
			ErrUnsupported, sum/(1<<20), name, largest/(1<<20), mapBytesMax>>20)
	}
	return nil
}

// mapBytes is roughly what a map takes, in bytes. It is no integer, so that no size overflows.
func mapBytes(m *ebpf.MapSpec, cpus int) float64 {
	value := float64(m.ValueSize)
	if slices.Contains([]ebpf.MapType{ebpf.PerCPUArray, ebpf.PerCPUHash, ebpf.LRUCPUHash, ebpf.PerCPUCGroupStorage}, m.Type) {
		value *= float64(cpus)
	}
	switch m.Type {
	case ebpf.RingBuf, ebpf.UserRingbuf: // entries are bytes
		value = 1
	case ebpf.Arena: // pages
		value = 4096
	}
	b := float64(m.MaxEntries) * (float64(m.KeySize) + value)
	if m.InnerMap != nil {
		b += mapBytes(m.InnerMap, cpus)
	}
	return b
}
