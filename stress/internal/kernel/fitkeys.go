package kernel

import (
	"maps"
	"slices"

	"github.com/cilium/ebpf"

	"tailpoke/patcher/protocol"
)

// arraysOf are keys of all prog arrays that a program names.
func (f *Fit) arraysOf(p *ebpf.ProgramSpec) (out []protocol.Key) {
	for i := range p.Instructions {
		name := p.Instructions[i].Reference()
		if m := f.Spec.Maps[name]; m != nil && m.Type == ebpf.ProgramArray {
			out = append(out, protocol.Key{Map: name})
		}
	}
	return out
}

// keysOf are those of the wanted keys whose prog arrays the entry names, or a program that was chosen:
// these take the programs too, or are left. An array is of the kind of the first program that it meets,
// so no other one is tried.
func (f *Fit) keysOf(l *loaded, wanted []protocol.Key) (out []protocol.Key, err error) {
	for _, name := range f.Programs {
		for _, k := range f.arraysOf(f.Spec.Programs[name]) {
			if l.arrays[k.Map] != nil {
				continue
			}
			if err := l.findArrays([]protocol.Key{k}); err != nil {
				return nil, err
			}
			if slices.ContainsFunc(l.pinned, func(p program) bool { return taken(l.arrays[k.Map], p.Program) != nil }) {
				delete(l.arrays, k.Map)
				delete(l.ids, k.Map)
			}
		}
	}
	for _, k := range wanted {
		if l.arrays[k.Map] != nil {
			out = append(out, k)
		}
	}
	return out, nil
}

// taken tries whether an empty prog array takes a program, and leaves it empty.
func taken(array *ebpf.Map, p *ebpf.Program) error {
	if err := array.Put(uint32(0), p); err != nil {
		return err
	}
	return array.Delete(uint32(0))
}

// findKeys chooses the keys that change: the wanted ones if one of them has a site, or else those that
// have one, or else the wanted ones all the same, since an indirect site may read them.
func (f *Fit) findKeys(l *loaded, wanted []protocol.Key) error {
	f.Keys = wanted
	p := l.callers[0].Program
	img, err := l.compiled(p)
	if err != nil {
		x, err := try(p, l.everyKey(), l.arrays, l.pinned[0].Program, until(fitKeys))
		if err != nil {
			return nil // the run says so
		}
		img = x.img
	}
	sites := map[protocol.Key]int{}
	var all []protocol.Key
	for _, s := range img.Sites {
		for name, id := range l.ids {
			k := protocol.Key{Map: name, Index: int(s.Key)}
			if id != s.Map {
				continue
			}
			if sites[k]++; sites[k] == 1 {
				all = append(all, k)
			}
		}
	}
	if has := func(k protocol.Key) bool { return sites[k] > 0 }; !slices.ContainsFunc(wanted, has) && len(all) > 0 {
		f.Keys = all[:min(len(all), MaxKeys)]
	}
	for _, k := range f.Keys {
		f.Most = max(f.Most, sites[k])
	}
	return nil
}

// everyKey lists the keys of all prog arrays.
func (l *loaded) everyKey() (keys []protocol.Key) {
	for _, name := range slices.Sorted(maps.Keys(l.arrays)) {
		for i := range min(fitIndexes, int(l.arrays[name].MaxEntries())) {
			keys = append(keys, protocol.Key{Map: name, Index: i})
		}
	}
	return keys
}
