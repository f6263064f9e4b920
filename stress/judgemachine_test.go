package stress

import (
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

// machineOf asks the machine engine about a program of an object file.
func machineOf(t *testing.T, object, entry, layout string) *Verdict {
	t.Helper()
	target, err := LoadObject(object, entry)
	if err != nil {
		t.Fatal(err)
	}
	s := protocol.DefaultSubject()
	s.Layout, s.Shape = layout, target.Shape(16)
	r, err := Run(t.Context(), s, target, Options{Engines: []protocol.Engine{protocol.Machine}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Of(protocol.Machine)
}

// TestLayoutsOfThePast: where each function counts for itself, a hierarchy of tail calls goes on
// behind the limit, whoever looks at the bytes sees it.
func TestLayoutsOfThePast(t *testing.T) {
	for layout, want := range map[string]protocol.Verdict{
		"seed": protocol.Violated, "v5.10": protocol.Violated, "v6.12": protocol.Safe,
	} {
		v := machineOf(t, "bpf/hierarchy.o", "hierarchy", layout)
		if v.Verdict != want || want == protocol.Violated && (v.Property != "tail-limit" || len(v.Witness) == 0) {
			t.Errorf("%s: %s %s %s", layout, v.Verdict, v.Property, v.Reason)
		}
	}
}

// TestMachineSaysWhatItCannot has a program that calls helpers, and a protocol with a mutex of its
// own.
func TestMachineSaysWhatItCannot(t *testing.T) {
	if v := machineOf(t, "regress/bpf/sockex3.o", "parse_ether", "v6.12"); v.Verdict != protocol.Unsupported || v.Reason == "" {
		t.Errorf("%s %q", v.Verdict, v.Reason)
	}
	s, target, err := Choice{Sites: 1}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	s.Protocol.Mutex = protocol.MutexNone
	r, err := Run(t.Context(), s, target, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Verdicts {
		if v.Engine != protocol.Model && (v.Verdict != protocol.Unsupported || !strings.Contains(v.Reason, "the kernel's")) {
			t.Errorf("%s: %s %q", v.Engine, v.Verdict, v.Reason)
		}
		if v.Engine == protocol.Model && (v.Verdict != protocol.Violated || v.Property != protocol.ExpectedBytes) {
			t.Errorf("model: %s %s", v.Verdict, v.Property)
		}
	}
}
