package inside

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// A thread is parked in a spin that uses no register and no flag: "pause; jmp" to itself. It stands in
// the 64-bit constants of a program, so that no byte of the kernel's memory is written for it.
const spinWord = 0xfceb90f3 // f3 90 eb fc

// newSpins loads a program with so many of them, each in a constant of its own.
func newSpins(n int) (at []uint64, keep *ebpf.Program, err error) {
	var insns asm.Instructions
	var words [][]byte
	for i := range n {
		v := uint64(0x11000001+i)<<32 | spinWord // the upper half tells them apart
		insns = append(insns, asm.LoadImm(asm.R1, int64(v), asm.DWord))
		words = append(words, binary.LittleEndian.AppendUint64(nil, v))
	}
	insns = append(insns, asm.Mov.Imm(asm.R0, 0), asm.Return())
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "spins", Type: ebpf.SocketFilter, License: "GPL", Instructions: insns})
	if err != nil {
		return nil, nil, err
	}
	info, err := p.Info()
	if err != nil {
		return nil, nil, err
	}
	addrs, _ := info.JitedKsymAddrs()
	code, _ := info.JitedInsns()
	for _, w := range words {
		i := bytes.Index(code, w)
		if i < 0 || len(addrs) == 0 || addrs[0] == 0 {
			return nil, nil, fmt.Errorf("a program for parked threads: % x has no constant % x", code, w)
		}
		at = append(at, uint64(addrs[0])+uint64(i))
	}
	return at, p, nil
}
