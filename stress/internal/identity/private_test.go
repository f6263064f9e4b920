package identity

import (
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// privateCompiler is compiler, where the kernel has private stacks.
func privateCompiler(t *testing.T) *Compiler {
	t.Helper()
	k := compiler(t)
	if k.PrivateStackMin == 0 {
		t.Skip("this kernel has no private stacks (6.13 and later do)")
	}
	return k
}

// TestPrivateStacksAreThere counts them: an identity of programs without any would say nothing.
func TestPrivateStacksAreThere(t *testing.T) {
	k := privateCompiler(t)
	const rounded, least = 16, 64 // of 6.18
	if want := least - rounded + 1; k.PrivateStackMin != want {
		t.Logf("private stacks begin at a depth of %d, at %d in 6.18", k.PrivateStackMin, want)
	}
	count := map[ebpf.ProgramType]int{}
	for _, s := range kindSamples() {
		r, err := load(s)
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		for _, f := range r.funcs {
			if privateStack(k, f.code) == 0 {
				continue
			}
			count[s.Spec.Programs[s.Program].Type]++
			if strings.Contains(s.Name, "tail call") {
				t.Errorf("%s: a private stack beside a tail call", s.Name)
			}
		}
	}
	for _, kind := range kinds {
		const some = 20
		private := interrupts(&ebpf.ProgramSpec{Type: kind})
		if private && count[kind] < some || !private && count[kind] > 0 {
			t.Errorf("%d functions of %v have a private stack", count[kind], kind)
		}
	}
	t.Log(count)
}

// TestWrongRuleIsRecovered foretells too many private stacks, and too few: the images need help.
func TestWrongRuleIsRecovered(t *testing.T) {
	body := func(stack int16) asm.Instructions { return slices.Concat(frameOf(1, stack), returning(0)) }
	samples := []Sample{
		sampleOf("shallow", ebpf.Kprobe, body(8)),
		sampleOf("deep", ebpf.Kprobe, body(100)),
	}
	for name, tt := range map[string]struct {
		least     func(known int) int
		recovered int
	}{
		"right":    {func(known int) int { return known }, 0},
		"too many": {func(int) int { return 1 }, 1},
		"too few":  {func(int) int { return 200 }, 1},
	} {
		k := privateCompiler(t)
		k.PrivateStackMin = tt.least(k.PrivateStackMin)
		rep, err := k.Check(t.Context(), samples)
		if err != nil {
			t.Fatal(err)
		}
		if rep.Identical != 2 || rep.Recovered != tt.recovered {
			t.Errorf("%s: %+v, want %d recovered", name, *rep, tt.recovered)
		}
	}
}
