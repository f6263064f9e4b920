package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"tailpoke/internal/source"
	"tailpoke/jit"
	"tailpoke/patcher/protocol"
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
	if w.limit != nil {
		return nil, w.limit
	}
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

// Binaries are the machine code of the programs, by their names.
func (w *Workload) Binaries(layout string) (map[string][]byte, error) {
	l, err := jit.LayoutByName(layout)
	if err != nil {
		return nil, err
	}
	images, err := w.Images(l)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for i, p := range w.all() {
		out[p.Name] = images[i].Code
	}
	return out, nil
}

// Disassemble lists the images of the entry and the programs in a layout, with functions, eBPF
// instructions, tail-call sites and slots marked. Maps have made-up addresses, as long as real
// ones: a listing does not depend on where things lie.
func (w *Workload) Disassemble(layout string) (string, error) {
	l, err := jit.LayoutByName(layout)
	if err != nil {
		return "", err
	}
	images, err := w.Images(l)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, p := range w.all() {
		img := images[i]
		fmt.Fprintf(&b, "program %s, layout %s, %d bytes, tail-call sites: %d, tail calls enter at +%d\n",
			p.Name, l.Name, len(img.Code), len(img.Sites), img.AdjOff)
		if err := list(&b, img); err != nil {
			return "", fmt.Errorf("program %s: %w", p.Name, err)
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// list writes one line for each machine instruction.
func list(b *strings.Builder, img *jit.Image) error {
	notes := marks(img)
	insn, before := 0, source.Line{}
	for i, at := range img.Starts {
		end := jit.Off(len(img.Code))
		if i+1 < len(img.Starts) {
			end = img.Starts[i+1]
		}
		for _, f := range img.Funcs {
			if f.Off == at {
				fmt.Fprintf(b, "%s:\n", f.Name)
			}
		}
		for insn < len(img.Program.Insns) && img.Insns[insn] <= at {
			if of := img.Program.Line(insn); of.Known() && of != before {
				fmt.Fprintf(b, "  ; %v\n", of)
				before = of
			}
			if img.Insns[insn] == at {
				fmt.Fprintf(b, "  ; %d: %v\n", insn, img.Program.Insns[insn])
			}
			insn++
		}
		text, err := decode(img.Code[at:end], uint64(at))
		if err != nil {
			return fmt.Errorf("at +%#x: %w", uint32(at), err)
		}
		line := fmt.Sprintf("%6x  %-32s%-36s%s", uint32(at), fmt.Sprintf("% x", img.Code[at:end]), text, notes[at])
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return nil
}

// marks names the offsets that matter to a patcher.
func marks(img *jit.Image) map[jit.Off]string {
	out := map[jit.Off]string{jit.Off(img.AdjOff): "<- tail calls enter here"}
	for _, s := range img.Sites {
		if !s.Direct {
			out[s.Start] = "<- indirect site"
			continue
		}
		key := fmt.Sprintf("%s[%d]", s.Map, s.Key)
		out[s.Start] = "<- direct site of " + key
		for n, slot := range s.Slots() {
			out[slot.Off] = fmt.Sprintf("<- %v of %s", protocol.Slot(n), key)
		}
	}
	return out
}

func decode(code []byte, pc uint64) (string, error) {
	if string(code) == jit.Endbr64 {
		return "endbr64", nil
	}
	inst, err := x86asm.Decode(code, 64)
	if err != nil || inst.Len != len(code) {
		return "", fmt.Errorf("% x is not one instruction: %v", code, err)
	}
	return jit.SignDisplacements(x86asm.IntelSyntax(inst, pc, nil)), nil
}
