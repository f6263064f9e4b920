package identity

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
)

// TestExpansions compiles programs as written, with lookups in arrays and loads from the packet,
// and holds them against what the kernel's verifier and compiler make of them together.
func TestExpansions(t *testing.T) {
	k := compiler(t)
	exit := asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	for name, insns := range map[string]asm.Instructions{
		"lookup": append(asm.Instructions{
			asm.StoreImm(asm.R10, -4, 3, asm.Word),
			asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, -4),
			asm.LoadMapPtr(asm.R1, 0).WithReference("array"),
			asm.FnMapLookupElem.Call(),
		}, exit...),
		"loads": append(asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R1),
			asm.LoadAbs(12, asm.Half), asm.Mov.Reg(asm.R7, asm.R0), asm.LoadInd(asm.R0, asm.R7, 1, asm.Byte),
			asm.Mov.Reg(asm.R2, asm.R0), asm.LoadInd(asm.R0, asm.R2, 0, asm.Word), asm.LoadInd(asm.R0, asm.R0, -7, asm.Half),
		}, exit...),
	} {
		t.Run(name, func(t *testing.T) {
			s := sampleOf(name, ebpf.SocketFilter, insns)
			r, err := load(s)
			if err != nil {
				t.Fatal(err)
			}
			p, err := jit.Parse(name, insns)
			if err != nil {
				t.Fatal(err)
			}
			o := jit.Options{Layout: &k.Layout, Thunks: true, Maps: map[string]jit.MapInfo{}}
			if m, ok := s.Spec.Maps["array"]; ok {
				o.Maps["array"] = jit.MapInfo{Addr: someAddr, MaxEntries: m.MaxEntries, Stride: (m.ValueSize + 7) &^ 7}
			}
			img, err := jit.Compile(p, o)
			if err != nil {
				t.Fatal(err)
			}
			theirs := bytes.Clone(r.funcs[0].code)
			if len(theirs) != len(img.Code) {
				t.Fatalf("ours\n% x\nthe kernel's\n% x", img.Code, theirs)
			}
			for _, ref := range img.Refs {
				clear(img.Code[ref.Off:][:ref.Size])
				clear(theirs[ref.Off:][:ref.Size])
			}
			if !bytes.Equal(img.Code, theirs) {
				t.Errorf("ours\n% x\nthe kernel's\n% x", img.Code, theirs)
			}
		})
	}
}
