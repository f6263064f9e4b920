package workload

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// A variable of the kernel that an object declares with its type (extern const struct rq runqueues
// __ksym) is loaded by its number among the kernel's types, for the verifier to know what it points to.
// The library refuses such an object, and knows variables without a type alone, whose address it loads
// as a number. So the file is read with those types left out.

// pseudoBTFID is the source register of such a load, BPF_PSEUDO_BTF_ID of the UAPI.
const pseudoBTFID = 3

// ofKernel begins the name of what stands for such a variable among a program's maps.
const ofKernel = "ksym "

// The form of BTF, as the kernel's Documentation/bpf/btf.rst has it: sizes in bytes.
const (
	btfHeader     = 24
	btfHeaderLen  = 4 // where the header says how long it is, and so on
	btfTypeOff    = 8
	btfTypeLen    = 12
	btfStrOff     = 16
	btfType       = 12
	btfKindVar    = 14
	btfKindSec    = 15
	btfSecMember  = 12
	btfTypeOfType = 8 // where in a variable its type is
)

// btfMore is how much follows a type of each kind: by itself, and for each of its members.
var btfMore = map[uint32][2]int{
	1: {4, 0}, 3: {12, 0}, 4: {0, 12}, 5: {0, 12}, 6: {0, 8}, 13: {0, 8}, btfKindVar: {4, 0}, btfKindSec: {0, btfSecMember}, 17: {4, 0}, 19: {0, 12},
}

// untypeKsyms returns the file with the types of the kernel's variables left out, and the names of these.
// It is nil if there is none.
func untypeKsyms(raw []byte) (untyped []byte, names map[string]bool) {
	f, err := elf.NewFile(bytes.NewReader(raw))
	if err != nil || f.ByteOrder != binary.LittleEndian {
		return nil, nil
	}
	section := f.Section(".BTF")
	if section == nil || section.Offset > uint64(len(raw)) || section.FileSize > uint64(len(raw))-section.Offset || section.FileSize < btfHeader {
		return nil, nil
	}
	untyped, names = bytes.Clone(raw), map[string]bool{}
	b := untyped[section.Offset:][:section.FileSize]
	word := func(at int) int {
		if at+4 > len(b) {
			return 0
		}
		return int(binary.LittleEndian.Uint32(b[at:]))
	}
	name := func(at int) string {
		from := word(btfHeaderLen) + word(btfStrOff) + word(at)
		if from >= len(b) {
			return ""
		}
		text, _, _ := bytes.Cut(b[from:], []byte{0})
		return string(text)
	}
	at := []int{0} // by number of a type
	for from, end := word(btfHeaderLen)+word(btfTypeOff), word(btfHeaderLen)+word(btfTypeOff)+word(btfTypeLen); from+btfType <= min(end, len(b)); {
		at = append(at, from)
		info := uint32(word(from + 4))
		more := btfMore[info>>24&0x1f]
		from += btfType + more[0] + more[1]*int(info&0xffff)
	}
	for _, sec := range at[1:] {
		info := uint32(word(sec + 4))
		if info>>24&0x1f != btfKindSec || name(sec) != ".ksyms" {
			continue
		}
		for m := sec + btfType; m < sec+btfType+btfSecMember*int(info&0xffff); m += btfSecMember {
			if id := word(m); 0 < id && id < len(at) && uint32(word(at[id]+4))>>24&0x1f == btfKindVar && word(at[id]+btfTypeOfType) != 0 {
				names[name(at[id])] = true
				binary.LittleEndian.PutUint32(b[at[id]+btfTypeOfType:], 0)
			}
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return untyped, names
}

// typeKsyms has programs load typed variables by their numbers, as far as the running kernel has them.
func typeKsyms(spec *ebpf.CollectionSpec, typed map[string]bool) error {
	kernel, err := btf.LoadKernelSpec()
	if err != nil { // then no kernel is asked to load it
		return nil
	}
	for _, p := range spec.Programs {
		for i := range p.Instructions {
			ins := &p.Instructions[i]
			var there *btf.Var
			if name := ins.Reference(); !typed[name] || !ins.OpCode.IsDWordLoad() || kernel.TypeByName(name, &there) != nil {
				continue
			}
			id, err := kernel.TypeID(there)
			if err != nil {
				return err
			}
			load := asm.Instruction{OpCode: ins.OpCode, Dst: ins.Dst, Src: pseudoBTFID, Constant: int64(id)}
			*ins = load.WithReference(ins.Reference()).WithSymbol(ins.Symbol()).WithSource(ins.Source())
		}
	}
	return nil
}

// besideKernel has a program's loads of such variables be loads of values, of which nothing is known.
func besideKernel(insns asm.Instructions) asm.Instructions {
	out := append(asm.Instructions{}, insns...)
	for i := range out {
		if ins := &out[i]; ins.OpCode.IsDWordLoad() && ins.Src == pseudoBTFID {
			ins.Src, ins.Constant = asm.PseudoMapValue, 0
			*ins = ins.WithReference(ofKernel + ins.Reference())
		}
	}
	return out
}

// isOfKernel says whether a map of a workload stands for a variable of the kernel.
func isOfKernel(name string) bool { return strings.HasPrefix(name, ofKernel) }
