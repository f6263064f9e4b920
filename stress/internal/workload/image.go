package workload

import (
	"fmt"
	"maps"
	"slices"

	"tailpoke/jit"
)

// imageKey is what an image depends on.
type imageKey struct {
	program *jit.Program
	layout  jit.Layout
	maps    string
}

// Compile makes the image of a program, once for each layout and place of its maps.
func (w *Workload) Compile(p *jit.Program, l *jit.Layout, infos map[string]jit.MapInfo) (*jit.Image, error) {
	return w.images.get(imageKey{p, *l, fmt.Sprint(infos)}, func() (*jit.Image, error) {
		return jit.Compile(p, jit.Options{Layout: l, Maps: infos})
	})
}

// Images are the images of the entry and of the programs in a layout, with maps at made-up
// addresses, as long as real ones.
func (w *Workload) Images(l *jit.Layout) ([]*jit.Image, error) {
	infos, err := w.mapInfos(l)
	if err != nil {
		return nil, err
	}
	var out []*jit.Image
	for _, p := range w.all() {
		img, err := w.Compile(p, l, infos)
		if err != nil {
			return nil, fmt.Errorf("program %s: %w", p.Name, err)
		}
		out = append(out, img)
	}
	return out, nil
}

// mapInfos are made-up addresses of the maps. Prog arrays lie where the simulated machine has
// them if there are no other maps, so that both need one image.
func (w *Workload) mapInfos(l *jit.Layout) (map[string]jit.MapInfo, error) {
	const first, dataSize = 0x7000_0000_0000, 1 << 12
	data, err := w.Data.Host()
	if err != nil {
		return nil, err
	}
	infos := map[string]jit.MapInfo{}
	addr := uint64(first)
	for _, m := range slices.Sorted(maps.Keys(w.Maps)) {
		infos[m] = jit.MapInfo{Addr: addr, MaxEntries: uint32(w.Maps[m])}
		addr += (uint64(l.ArrayPtrs) + 8*uint64(w.Maps[m]) + 63) &^ 63
	}
	for i, m := range slices.Sorted(maps.Keys(data)) {
		spec := data[m]
		infos[m] = spec.InfoAt(addr+uint64(i)*dataSize, l)
	}
	return infos, nil
}
