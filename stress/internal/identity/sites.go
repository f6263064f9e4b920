package identity

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
)

// A Site is a direct tail-call site in the image of a loaded program.
type Site struct {
	Map   ebpf.MapID // the prog array
	Key   uint32
	Func  int // that it lies in, the main one is 0
	Slots [protocol.Slots]Slot
}

// A Slot is where the five bytes of an instruction lie that is poked.
type Slot struct {
	Off  int    // in the image as bpf(2) shows it, its functions one after the other
	Addr uint64 // in the kernel
	Out  uint64 // where its jump leads; 0: into the program that the key holds
	// Nop is what stands there in the place of the jump; nothing: the nop of today's kernels.
	Nop [jit.SlotSize]byte
}

// An Image is a loaded program of which every byte of machine code is known.
type Image struct {
	Size  int    // in bytes, of all functions
	Funcs []Func // the main one first
	Sites []Site // in the order of the kernel's poke descriptors
}

// A Func is where a function of an image lies.
type Func struct {
	Addr uint64
	Size int // in bytes
}

// Functions is where the functions of a loaded program begin, the main one first.
func Functions(prog *ebpf.Program) ([]uint64, error) {
	info, err := prog.Info()
	if err != nil {
		return nil, err
	}
	addrs, ok := info.JitedKsymAddrs()
	if !ok || len(addrs) == 0 || addrs[0] == 0 {
		return nil, errors.New("kernel shows no addresses of machine code")
	}
	var out []uint64
	for _, a := range addrs {
		out = append(out, uint64(a))
	}
	return out, nil
}

// Landing is where tail calls enter a loaded program.
func (k *Compiler) Landing(prog *ebpf.Program) (uint64, error) {
	addrs, err := Functions(prog)
	if err != nil {
		return 0, err
	}
	return addrs[0] + uint64(k.Layout.AdjOff), nil
}

// Image finds the direct sites of a loaded program whose keys are empty, and which names none but
// the given maps. They are not looked for in the bytes: the program is compiled as the kernel does,
// and where both images are the same, so are their sites. Otherwise it is an error.
func (k *Compiler) Image(name string, prog *ebpf.Program, named ...*ebpf.Map) (*Image, error) {
	r, err := readBack(prog, slices.Values(named))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	img, v, err := k.image(name, r, book{})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case v.difference != "":
		return nil, fmt.Errorf("%s: the kernel's image is not ours, so its sites are unknown:\n%s",
			name, v.difference)
	}
	out := &Image{}
	starts := make([]int, len(r.funcs))
	for f := range r.funcs {
		starts[f] = out.Size
		out.Size += len(r.funcs[f].code)
		out.Funcs = append(out.Funcs, Func{r.funcs[f].addr, len(r.funcs[f].code)})
	}
	for i := range img.Sites {
		s := &img.Sites[i]
		if !s.Direct {
			continue
		}
		var id ebpf.MapID
		if _, err := fmt.Sscanf(s.Map, "fd %d", &id); err != nil {
			return nil, fmt.Errorf(
				"%s: insn %d is a direct site of a map and key that only the verifier knows", name, s.Insn)
		}
		site := Site{Map: id, Key: s.Key, Func: s.Func}
		start, addr := img.Funcs[s.Func].Off, r.funcs[s.Func].addr
		for n, slot := range s.Slots() {
			in := slot.Off - start
			to := Slot{Off: starts[s.Func] + int(in), Addr: addr + uint64(in), Nop: k.Layout.Nop()}
			if slot.Out != 0 {
				to.Out = addr + uint64(slot.Out-start)
			}
			site.Slots[n] = to
		}
		out.Sites = append(out.Sites, site)
	}
	return out, nil
}
