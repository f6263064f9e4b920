package protocol

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKernelLife: a protocol that says nothing of loads loads as the kernel does, and
// prints without a word of it.
func TestKernelLife(t *testing.T) {
	p := Protocols()[0]
	load, unload := stepsText(p.LoadSteps()), stepsText(p.UnloadSteps())
	if load != kernelLoad || unload != kernelUnload {
		t.Errorf("loads %q, unloads %q", load, unload)
	}
	said, err := ParseProtocol(kernelText +
		"  load     " + kernelLoad + "\n  unload   " + kernelUnload + "\n  mutex    map\n")
	if err != nil {
		t.Fatal(err)
	}
	want := kernelText + "  load     " + kernelLoad + "\n  unload   " + kernelUnload + "\n"
	if said.String() != want {
		t.Errorf("prints\n%s", said)
	}
	if diff := cmp.Diff(p.LoadSteps(), said.Load); diff != "" {
		t.Error(diff)
	}
	// A load of nothing is not the kernel's.
	p, err = ParseProtocol(kernelText + "load")
	if err != nil || p.Load == nil || len(p.UnrollLoad(2)) != 0 {
		t.Errorf("%v, %v", p.Load, err)
	}
}

func TestUnrollLife(t *testing.T) {
	p := Protocols()[0]
	want := "track; 0:read; 0:target=jump; 0:bypass=nop; 0:stable; " +
		"1:read; 1:target=jump; 1:bypass=nop; 1:stable; open"
	acts := p.UnrollLoad(2)
	if got := actionsText(acts); got != want {
		t.Errorf("load unrolls to\n%s", got)
	}
	for i, a := range acts {
		if want := i == 1 || i == 5; a.First != want {
			t.Errorf("action %d begins an iteration: %t", i, a.First)
		}
	}
	if got := actionsText(p.UnrollUnload()); got != kernelUnload {
		t.Errorf("unload unrolls to %s", got)
	}
}
