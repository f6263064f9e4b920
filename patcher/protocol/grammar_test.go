package protocol

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWhereStepsStand lists for each operation which steps the grammar takes, outside each and
// inside.
func TestWhereStepsStand(t *testing.T) {
	steps := []string{
		"publish", "each { }", "bypass=nop", "bypass=jump", "target=nop", "target=jump", "wait",
		"wait if changed", "retire", "free", "track", "read", "stable", "open", "untrack", "poke=nop",
	}
	takes := func(op OpKind, format string) string {
		var out []string
		for _, s := range steps {
			if _, err := parseSteps(strings.Replace(format, "%", s, 1), op); err == nil {
				out = append(out, s)
			}
		}
		return strings.Join(out, " ")
	}
	const pokes = "bypass=nop bypass=jump target=nop target=jump "
	for op, want := range [...]struct{ outside, inside string }{
		Install: {"publish each { } wait wait if changed", pokes + "wait wait if changed"},
		Update:  {"publish each { } wait wait if changed retire free", pokes + "wait wait if changed"},
		Remove: {
			"publish each { } wait wait if changed retire free",
			"bypass=nop bypass=jump target=nop wait wait if changed",
		},
		opLoad:   {"each { } wait wait if changed track open", pokes + "wait wait if changed read stable"},
		opUnload: {"wait free untrack", ""},
	} {
		op := OpKind(op)
		if diff := cmp.Diff(want.outside, takes(op, "%")); diff != "" {
			t.Errorf("%v, outside each (-want +got):\n%s", op, diff)
		}
		if diff := cmp.Diff(want.inside, takes(op, "each { % }")); diff != "" {
			t.Errorf("%v, inside each (-want +got):\n%s", op, diff)
		}
	}
}
