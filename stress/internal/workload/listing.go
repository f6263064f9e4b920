package workload

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
)

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
	insn := 0
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
	inst, err := x86asm.Decode(code, 64)
	if err != nil || inst.Len != len(code) {
		return "", fmt.Errorf("% x is not one instruction: %v", code, err)
	}
	return x86asm.IntelSyntax(inst, pc, nil), nil
}
