package workload

import (
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tailpoke/jit"
)

// TestRelocate: images and oracle are of what the kernel loads, and the kernel is still given what
// the compiler left.
func TestRelocate(t *testing.T) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skipf("no types of a kernel: %v", err)
	}
	var task *btf.Struct
	if err := kernel.TypeByName("task_struct", &task); err != nil {
		t.Fatal(err)
	}
	want := uint64(4 * task.Size)
	for _, m := range task.Members {
		if m.Name == "pid" {
			want += 2 * uint64(m.Offset.Bytes())
		}
	}
	raw, err := os.ReadFile("testdata/core.o")
	if err != nil {
		t.Fatal(err)
	}
	w, err := ReadObject("core.o", raw, "core")
	if err != nil {
		t.Fatal(err)
	}
	o, err := w.Oracle(t.Context(), &jit.V612, w.Context)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, out := range o.Outcomes() {
		got = append(got, out.Value)
	}
	if len(got) != 3 || got[0] != 1 || got[1] != 2 || got[2] != want {
		t.Errorf("it may return %d, want 1, 2, %d", got, want)
	}
	if c := w.Collection().Programs["core"].Instructions[0].Constant; c != 8 {
		t.Errorf("the kernel is given a size of %d, the compiler left 8", c)
	}
}

// TestRelocateNothing: instructions without relocations ask for no types.
func TestRelocateNothing(t *testing.T) {
	w := &Workload{}
	insns := asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()}
	got, err := w.relocate(insns)
	if err != nil || len(got) != 2 || w.limit != nil {
		t.Errorf("%v, %v, limit %v", got, err, w.limit)
	}
}

// TestLimit: of what a kernel alone can run there are neither images nor an oracle, and the reason is
// the same; its sites are known.
func TestLimit(t *testing.T) {
	w := Default()
	w.limit = os.ErrNotExist
	_, err := w.Images(&jit.V612)
	_, err2 := w.Oracle(t.Context(), &jit.V612, w.Context)
	for _, err := range []error{err, err2} {
		if err == nil || !strings.Contains(err.Error(), os.ErrNotExist.Error()) {
			t.Errorf("%v", err)
		}
	}
	if s := w.Shape(1).Sites; s != 3 {
		t.Errorf("%d sites", s)
	}
}
