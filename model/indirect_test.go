package model

import (
	"testing"

	"tailpoke/patcher/protocol"
)

// withReads returns a subject with indirect callers.
func withReads(s protocol.Subject) protocol.Subject {
	s.Shape.Indirect = true
	return s
}

// TestIndirectZoo: indirect callers absolve no mutant of the zoo and, where every key
// has a direct site, convict none.
func TestIndirectZoo(t *testing.T) {
	for _, m := range protocol.Zoo() {
		r := check(t, withReads(mutant(t, m.Name)), Options{})
		if r.Property != m.Property {
			t.Errorf("%s: found %s %q, want %q\n%v", m.Name, r.Verdict, r.Property, m.Property, r.Witness)
		}
		if m.Safe() && r.Reached.Reads == 0 {
			t.Errorf("%s: no key was read", m.Name)
		}
	}
}

// TestFreeAfterWaitGolden: freeing at once after the remove's own grace period is safe, even
// for indirect callers, as long as there is such a period. There is a
// wait for each direct site, so a key without one has none, and nothing waits for them.
func TestFreeAfterWaitGolden(t *testing.T) {
	s := mutant(t, "free-after-wait")
	s.Shape = protocol.Shape{Sites: 1, Programs: 2, Keys: 2}
	if r := check(t, s, Options{}); r.Verdict != protocol.Proved {
		t.Errorf("direct callers alone: found %s\n%v", r.Verdict, r.Witness)
	}
	r := check(t, withReads(s), Options{})
	if r.Property != protocol.NoUseAfterFree {
		t.Fatalf("found %s %q", r.Verdict, r.Property)
	}
	golden(t, "free-after-wait.indirect", r.Witness.String())
	kernel := protocol.DefaultSubject()
	kernel.Shape = s.Shape
	if r := check(t, withReads(kernel), Options{}); r.Verdict != protocol.Proved {
		t.Errorf("kernel: found %s %q\n%v", r.Verdict, r.Property, r.Witness)
	}
}

// TestWhenToPublish judges what only an indirect caller sees: the exchange of the
// pointer, its absence and its place.
func TestWhenToPublish(t *testing.T) {
	for _, c := range []struct {
		why, install, update, remove string
		direct, indirect             protocol.Property
	}{
		{
			"late is as good as early, for both programs are allowed meanwhile",
			"each { target=jump; bypass=nop }; publish",
			"each { target=jump }; publish; retire",
			"each { bypass=jump; wait; target=nop }; publish; retire", "", "",
		},
		{
			"not after the retire: the pointer names what is freed",
			"publish; each { target=jump; bypass=nop }",
			"publish; each { target=jump }; retire",
			"each { bypass=jump; wait; target=nop }; retire; publish", protocol.NoEarlyFree, protocol.NoEarlyFree,
		},
		{
			"the same for an update",
			"publish; each { target=jump; bypass=nop }",
			"each { target=jump }; retire; publish",
			"publish; each { bypass=jump; wait; target=nop }; retire", protocol.NoEarlyFree, protocol.NoEarlyFree,
		},
		{
			"without it in the install, a caller misses what the key was given",
			"each { target=jump; bypass=nop }",
			"publish; each { target=jump }; retire",
			"publish; each { bypass=jump; wait; target=nop }; retire", protocol.Fresh, protocol.NoMiss,
		},
		{
			"without it in the update, the pointer names what is freed",
			"publish; each { target=jump; bypass=nop }",
			"each { target=jump }; retire",
			"publish; each { bypass=jump; wait; target=nop }; retire", protocol.NoEarlyFree, protocol.NoEarlyFree,
		},
		{
			"without it in the remove, the pointer names what is freed",
			"publish; each { target=jump; bypass=nop }",
			"publish; each { target=jump }; retire",
			"each { bypass=jump; wait; target=nop }; retire", protocol.NoEarlyFree, protocol.NoEarlyFree,
		},
	} {
		p, err := protocol.ParseProtocol("protocol p\ninstall " + c.install +
			"\nupdate " + c.update + "\nremove " + c.remove)
		if err != nil {
			t.Fatal(err)
		}
		s := protocol.DefaultSubject()
		s.Protocol = p
		if r := check(t, s, Options{}); r.Property != c.direct {
			t.Errorf("%s: direct callers: found %s %q, want %q\n%v", c.why, r.Verdict, r.Property, c.direct, r.Witness)
		}
		if r := check(t, withReads(s), Options{}); r.Property != c.indirect {
			t.Errorf("%s: found %s %q, want %q\n%v", c.why, r.Verdict, r.Property, c.indirect, r.Witness)
		}
	}
}
