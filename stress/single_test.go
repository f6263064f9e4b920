package stress

import (
	"slices"
	"testing"

	"tailpoke/patcher/protocol"
)

// machineSees are the properties that both exploring engines judge.
var machineSees = []protocol.Property{
	protocol.NeverA, protocol.NoTorn, protocol.NoUseAfterFree, protocol.ExpectedBytes,
}

// TestSingleEdits asks model and machine about every mechanical edit of the built-in protocols and
// of the poke methods: what the one proves the other must not accuse, and what breaks a property
// that both judge, both must find.
func TestSingleEdits(t *testing.T) {
	protocols, all, least := protocol.Protocols(), 1000, 10
	if testing.Short() {
		protocols, all, least = protocols[:1], 12, 3
	}
	for _, p := range protocols {
		s, target, err := Choice{Protocol: p.Name, Sites: 1, Threads: 2}.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		refuted, proved := 0, 0
		edits := protocol.SingleEdits(s)
		for _, e := range edits[:min(all, len(edits))] {
			edited, err := e.Apply(s)
			if err != nil {
				t.Fatal(err)
			}
			r, err := Run(t.Context(), edited, target, Options{Engines: []protocol.Engine{protocol.Model, protocol.Machine}})
			if err != nil {
				t.Fatalf("%s: %v: %v", p.Name, e, err)
			}
			m, x := r.Of(protocol.Model), r.Of(protocol.Machine)
			both := slices.Contains(machineSees, m.Property)
			switch {
			case m.Verdict == protocol.Violated && both && x.Verdict == protocol.Safe:
				t.Errorf("%s: %v: model %s, machine %s %s", p.Name, e, m.Property, x.Verdict, x.Reason)
			case m.Verdict == protocol.Proved && x.Verdict == protocol.Violated:
				t.Errorf("%s: %v: proved, but machine %s", p.Name, e, x.Property)
			case m.Verdict == protocol.Violated:
				refuted++
			case m.Verdict == protocol.Proved:
				proved++
			default:
				t.Logf("%s: %v: model %s %s, machine %s %s", p.Name, e, m.Verdict, m.Reason, x.Verdict, x.Reason)
			}
		}
		t.Logf("%s: %d edits refuted, %d proved to be safe", p.Name, refuted, proved)
		if refuted < least || proved == 0 {
			t.Error("too few edits")
		}
	}
}

// TestMutantNames: every mutant has a name of its own.
func TestMutantNames(t *testing.T) {
	names := Catalogue().Names("mutants")
	slices.Sort(names)
	if n := len(slices.Compact(slices.Clone(names))); n != len(names) {
		t.Errorf("%d names for %d mutants", n, len(names))
	}
}
