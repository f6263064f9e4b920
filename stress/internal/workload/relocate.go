package workload

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// relocate gives instructions the sizes, offsets and answers that CO-RE takes from the types of the
// running kernel, as they get them when they are loaded: an image of what the compiler left there
// returns something else. Where there is no such kernel they stay as they are, which is a limit.
func (w *Workload) relocate(insns asm.Instructions) (asm.Instructions, error) {
	var relos []*btf.CORERelocation
	var at []int
	for i := range insns {
		if r := btf.CORERelocationMetadata(&insns[i]); r != nil {
			relos, at = append(relos, r), append(at, i)
		}
	}
	if len(relos) == 0 {
		return insns, nil
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		w.limit = fmt.Errorf("CO-RE relocations need the types of the running kernel, /sys/kernel/btf/vmlinux: %w", err)
		return insns, nil
	}
	local, err := btf.NewBuilder(nil, nil)
	if err != nil {
		return nil, err
	}
	fixups, err := btf.CORERelocate(relos, []*btf.Spec{kernel}, binary.LittleEndian, local.Add)
	if err != nil {
		return nil, fmt.Errorf("CO-RE relocations: %w", err)
	}
	out := append(asm.Instructions{}, insns...)
	for i, f := range fixups {
		if err := f.Apply(&out[at[i]]); err != nil {
			return nil, fmt.Errorf("insn %d: CO-RE relocation: %w", at[i], err)
		}
	}
	return out, nil
}
