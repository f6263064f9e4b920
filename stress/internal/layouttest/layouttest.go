package layouttest

import (
	"testing"

	"tailpoke/jit"
)

// All is the layouts of the eras, and some with what kernels' builds and CPUs add.
func All(t testing.TB) []*jit.Layout {
	t.Helper()
	all := jit.Layouts()
	for _, name := range []string{
		"v5.10+ibt+oldnops+unrounded+ret-int3+jmp-retpoline", "v6.2+ibt+bmi2+jmp-lfence",
		"v6.12+ibt+jmp-int3", "v7.3+ibt+ret-thunk+jmp-thunk+array=0x20/0x140/0x88",
	} {
		l, err := jit.LayoutByName(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}
