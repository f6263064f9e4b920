package workload

import (
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"

	"tailpoke/jit"
)

// TestTypedKsyms: a kernel is given the number of a variable that it has, and nothing of one that it has
// not; what is read there is unknown.
func TestTypedKsyms(t *testing.T) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skipf("no types of a kernel: %v", err)
	}
	var there *btf.Var
	if err := kernel.TypeByName("runqueues", &there); err != nil {
		t.Skipf("this kernel's types have no variables: %v", err)
	}
	id, err := kernel.TypeID(there)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("testdata/ksym.o")
	if err != nil {
		t.Fatal(err)
	}
	w, err := ReadObject("ksym.o", raw, "reads")
	if err != nil {
		t.Fatal(err)
	}
	loads := map[string]int{}
	for _, ins := range w.Collection().Programs["reads"].Instructions {
		switch name := ins.Reference(); {
		case name == "runqueues" && ins.Src == pseudoBTFID && ins.Constant == int64(id), name == "no_such_variable" && ins.Src == 0:
			loads[name]++
		}
	}
	if loads["runqueues"] != 2 || loads["no_such_variable"] != 1 {
		t.Errorf("the kernel is given %v", loads)
	}
	if maps := w.Entry.Maps(); !slices.Contains(maps, "ksym runqueues") {
		t.Errorf("maps %q", maps)
	}
	o, err := w.Oracle(t.Context(), &jit.V612, w.Context)
	if err != nil {
		t.Fatal(err)
	}
	if all := o.Outcomes(); len(all) != 3 || all[0].Value != 1 || all[1].Value != 2 || !all[2].Any || !all[2].Skip {
		t.Errorf("it may return %+v", all)
	}
}
