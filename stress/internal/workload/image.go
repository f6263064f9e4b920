package workload

import (
	"fmt"
	"maps"
	"slices"

	"tailpoke/jit"
)

// Images are the images of the entry and of the programs in a layout, compiled once. Maps have
// made-up addresses, as long as real ones.
func (w *Workload) Images(l *jit.Layout) ([]*jit.Image, error) {
	return w.images.get(*l, func() ([]*jit.Image, error) {
		infos, err := w.mapInfos(l)
		if err != nil {
			return nil, err
		}
		var out []*jit.Image
		for _, p := range w.all() {
			img, err := jit.Compile(p, jit.Options{Layout: l, Maps: infos})
			if err != nil {
				return nil, fmt.Errorf("program %s: %w", p.Name, err)
			}
			out = append(out, img)
		}
		return out, nil
	})
}

// mapInfos are the made-up addresses of the maps.
func (w *Workload) mapInfos(l *jit.Layout) (map[string]jit.MapInfo, error) {
	const first, apart = 0x7000_0000_0000, 1 << 12
	data, err := w.Data.Host()
	if err != nil {
		return nil, err
	}
	infos := map[string]jit.MapInfo{}
	names := slices.Concat(slices.Collect(maps.Keys(w.Maps)), slices.Collect(maps.Keys(data)))
	slices.Sort(names)
	for i, m := range names {
		addr := uint64(first + i*apart)
		if spec, ok := data[m]; ok {
			infos[m] = spec.InfoAt(addr, l)
		} else {
			infos[m] = jit.MapInfo{Addr: addr, MaxEntries: uint32(w.Maps[m])}
		}
	}
	return infos, nil
}
