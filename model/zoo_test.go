package model

import (
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

func check(t *testing.T, s protocol.Subject, o Options) *Result {
	t.Helper()
	r, err := Check(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mutant(t *testing.T, name string) protocol.Subject {
	t.Helper()
	m, err := protocol.MutantByName(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Apply(protocol.DefaultSubject())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestZoo holds every mutant against what the zoo says of it.
func TestZoo(t *testing.T) {
	for _, m := range protocol.Zoo() {
		t.Run(m.Name, func(t *testing.T) {
			s := mutant(t, m.Name)
			all := check(t, s, Options{})
			if all.Verdict != m.Expect[protocol.Model] || all.Property != m.Property {
				t.Errorf("found %s %s, want %s %s\n%v",
					all.Verdict, all.Property, m.Expect[protocol.Model], m.Property, all.Witness)
			}
		})
	}
}

// TestBuiltin judges every protocol with every method and grace flavour. A wrong
// flavour is wrong under all of them: it frees too early.
func TestBuiltin(t *testing.T) {
	for _, s := range builtin() {
		want := protocol.Proved
		if s.Grace.Kind != protocol.GraceEpoch {
			want = protocol.Violated
		}
		if r := check(t, s, Options{}); r.Verdict != want {
			t.Errorf("%s: found %s %s, want %s\n%v",
				nameOf(s), r.Verdict, r.Property, want, r.Witness)
		}
	}
}

// builtin lists the subjects of every protocol, method and grace flavour.
func builtin() []protocol.Subject {
	var out []protocol.Subject
	for _, p := range protocol.Protocols() {
		for _, m := range protocol.Methods() {
			for _, g := range protocol.Graces() {
				s := protocol.DefaultSubject()
				s.Protocol, s.Method, s.Grace = p, m, g
				out = append(out, s)
			}
		}
	}
	return out
}

func nameOf(s protocol.Subject) string {
	return s.Protocol.Name + "/" + s.Method.Name + "/" + s.Grace.Name
}

// TestLazyNeedsNoGraceForStateA: a target that is never cleared cannot be met cleared,
// whatever the flavour. What breaks without one is the free.
func TestLazyNeedsNoGraceForStateA(t *testing.T) {
	for _, g := range protocol.Graces() {
		s := protocol.DefaultSubject()
		s.Protocol, s.Grace = protocol.Protocols()[2], g
		if r := check(t, s, Options{Only: protocol.NeverA}); r.Verdict != protocol.Proved {
			t.Errorf("%s: %s\n%v", g.Name, r.Verdict, r.Witness)
		}
	}
}

// TestOddMethods judges poke methods that no zoo has.
func TestOddMethods(t *testing.T) {
	for _, c := range []struct {
		why, text string
		property  protocol.Property // "" when proved
	}{
		{"without the second sync a new head may be fetched with an old tail",
			"head=int3; sync; tail; head=new; sync", protocol.NoTorn},
		{"without the first one an old head may be fetched with a new tail", "head=int3; tail; sync; head=new; sync", protocol.NoTorn},
		{"the tail goes first, unprotected", "tail; sync; head=new; sync", protocol.NoTorn},
		{"the old instruction is as good an answer",
			"trap=old; head=int3; sync; tail; sync; head=new; sync", ""},
		{"a last store of the whole instruction", "head=int3; sync; all; sync", ""},
		{"the trap byte stays: a thread that meets it is lost", "all; head=int3; sync", protocol.NoTorn},
		{"a CPU may see the second store of these bytes, and not the first", "all; tail; sync", protocol.NoTorn},
		{"without a last sync a stale bypass outlives the grace period", "all", protocol.NeverA},
	} {
		m, err := protocol.ParseMethod("method m\n" + c.text)
		if err != nil {
			t.Fatal(err)
		}
		s := protocol.DefaultSubject()
		s.Method = m
		if r := check(t, s, Options{}); r.Property != c.property {
			t.Errorf("%s (%s): found %s %s\n%v", c.text, c.why, r.Verdict, r.Property, r.Witness)
		}
	}
}

// TestExpectedBytes: a method that leaves its trap byte is met by the next poke too.
func TestExpectedBytes(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Method = protocol.Method{
		Name: "m", Steps: microSteps("all", "head=int3", "sync"),
	}
	r := check(t, s, Options{Only: protocol.ExpectedBytes})
	if r.Verdict != protocol.Violated || r.Witness.Steps[r.Depth-1].Action.Do != witness.Mismatch {
		t.Errorf("found %s\n%v", r.Verdict, r.Witness)
	}
}

// TestForgottenPublish: what a key holds is what the map says.
func TestForgottenPublish(t *testing.T) {
	for op, want := range map[protocol.Of]protocol.Property{
		protocol.OfInstall: protocol.Fresh,       // runs a program that the key does not hold
		protocol.OfUpdate:  protocol.NoEarlyFree, // retires a program that the key holds
		protocol.OfRemove:  protocol.NoEarlyFree, // the same
	} {
		e := protocol.Edit{Of: op, Do: protocol.Drop, Step: "publish"}
		s, err := e.Apply(protocol.DefaultSubject())
		if err != nil {
			t.Fatal(err)
		}
		if r := check(t, s, Options{}); r.Property != want {
			t.Errorf("%v: found %s, want %s\n%v", e, r.Property, want, r.Witness)
		}
	}
}
