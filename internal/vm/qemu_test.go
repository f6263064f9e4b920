package vm

import (
	"slices"
	"strings"
	"testing"

	"tailpoke/internal/vm/guest"
)

// TestChosen: the caller's accelerator and processor take the place of ours; all else is added.
func TestChosen(t *testing.T) {
	for _, c := range []struct {
		args       string
		kvm        bool
		accel, cpu string
		extra      string
	}{
		{"", false, "tcg,thread=single", "max", ""},
		{"", true, "kvm", "host", ""},
		{"-cpu EPYC", false, "tcg,thread=single", "EPYC", ""},
		{"--accel tcg -s", true, "tcg", "max", "-s"},
		{"-accel tcg,thread=multi -cpu EPYC -d int", false, "tcg,thread=multi", "EPYC", "-d int"},
		{"-cpu", false, "tcg,thread=single", "max", "-cpu"}, // QEMU says what is wrong with it
	} {
		s := chosen(strings.Fields(c.args), c.kvm)
		if s.accel != c.accel || s.cpu != c.cpu || !slices.Equal(s.extra, strings.Fields(c.extra)) {
			t.Errorf("%q: %+v", c.args, s)
		}
	}
	for accel, want := range map[string]bool{"kvm": false, "tcg": true, "tcg,thread=multi": true, "tcg,thread=single": false} {
		if guest.Stale(accel) != want {
			t.Errorf("%s: %v", accel, !want)
		}
	}
}

// TestSteeredLine: what watches for CPUs that are stuck is off where CPUs are held, and nowhere else; what
// the caller says comes last.
func TestSteeredLine(t *testing.T) {
	for _, steered := range []bool{false, true} {
		o := Options{Kernel: "k", CPUs: 4, Memory: "1G", Append: "quiet", steered: steered}
		args := o.arguments(settings{}, 0)
		line := args[slices.Index(args, "-append")+1]
		if strings.Contains(line, "nowatchdog") != steered || !strings.HasSuffix(line, " quiet") {
			t.Errorf("steered %v: %s", steered, line)
		}
	}
}
