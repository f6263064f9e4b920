package sim

import (
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// subjectOf is a subject of a protocol's text, with so many threads.
func subjectOf(t testing.TB, threads int, text string) Config {
	t.Helper()
	p, err := protocol.ParseProtocol(text)
	if err != nil {
		t.Fatal(err)
	}
	c := direct(t, threads, 1, 2)
	c.Subject.Protocol, c.MaxOps = p, 3
	return c
}

const twoKinds = `protocol two
  reader  plain: rcu
  reader  sleepable: tasks-trace
  install publish; each { target=jump; bypass=nop }
  update  publish; each { target=jump }; wait rcu; wait tasks-trace; free
  remove  publish; each { bypass=jump; wait rcu; wait tasks-trace; target=nop }; free`

// TestKinds leaves a kind of readers out, or not: what is found is an execution of that kind.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		drop, with, kind string
		breaks           protocol.Property
	}{
		{"", "", "", ""},
		{"wait rcu; wait tasks-trace; target", "wait rcu; target", "sleepable", protocol.NeverA},
		{"wait rcu; wait tasks-trace; target", "wait tasks-trace; target", "plain", protocol.NeverA},
		{"wait rcu; wait tasks-trace; free\n", "wait rcu; retire tasks-trace\n", "", ""},
		{"wait rcu; wait tasks-trace; free\n", "retire tasks-trace\n", "plain", protocol.NoUseAfterFree},
		{"wait rcu; wait tasks-trace; free\n", "retire rcu\n", "sleepable", protocol.NoUseAfterFree},
		{"wait rcu; wait tasks-trace; free\n", "retire\n", "", protocol.NoUseAfterFree}, // either
		{"plain: rcu", "plain: tasks, rcu", "", ""},
		{"plain: rcu", "plain: tasks", "plain", protocol.NeverA},
	} {
		cfg := subjectOf(t, 2, strings.Replace(twoKinds, c.drop, c.with, 1))
		r := check(t, cfg)
		if r.Property != c.breaks || r.Verdict == protocol.Vacuous {
			t.Errorf("%v: %s %s, want %q\n%v", cfg.Subject.Protocol, r.Verdict, r.Property, c.breaks, r.Witness)
			continue
		}
		if r.Witness == nil {
			continue
		}
		last := r.Witness.Steps[len(r.Witness.Steps)-1].Actor.Index
		for _, s := range r.Witness.Steps {
			enters := s.Action.Do == witness.Enter
			if want := []string{"plain", "sleepable"}[s.Actor.Index%2]; enters && s.Action.Reader != want {
				t.Errorf("thread %d enters as %q", s.Actor.Index, s.Action.Reader)
			}
			if enters && s.Actor.Index == last && c.kind != "" && s.Action.Reader != c.kind {
				t.Errorf("%v: accuses a %s reader\n%v", cfg.Subject.Protocol, s.Action.Reader, r.Witness)
			}
		}
		again, err := Replay(cfg, r.Witness.Choices())
		if err != nil || again.String() != r.Witness.String() {
			t.Errorf("replayed: %v\n%v\nfound\n%v", err, again, r.Witness)
		}
	}
}

// TestKindsNeedThreads: of each kind there is a thread, unless nothing changes.
func TestKindsNeedThreads(t *testing.T) {
	c := subjectOf(t, 1, twoKinds)
	if _, err := Check(t.Context(), c); err == nil || !strings.Contains(err.Error(), "1 threads: the protocol has 2 kinds of readers") {
		t.Errorf("error %v", err)
	}
	c.Script = protocol.Script{}
	if r := check(t, c); r.Verdict != protocol.Vacuous && r.Verdict != protocol.Safe {
		t.Errorf("nothing changes: %s %s", r.Verdict, r.Reason)
	}
	c = subjectOf(t, 3, twoKinds)
	c.MaxOps = 1
	if r := check(t, c); r.Bound != "3 threads (plain, sleepable, plain), any 1 operation" {
		t.Errorf("bound %q", r.Bound)
	}
}

// TestNamedGracesForgetNobody: a flavour that forgets a reader does so in the subject's own grace
// periods alone, also where both kinds are in progress at a time.
func TestNamedGracesForgetNobody(t *testing.T) {
	after := subjectOf(t, 2, `protocol after
  install publish; each { target=jump; bypass=nop }; wait epoch
  update  publish; each { target=jump }; retire epoch
  remove  publish; each { bypass=jump; wait; target=nop }; retire epoch`)
	after.Subject.Grace, after.Properties = protocol.Graces()[1], []protocol.Property{protocol.NeverA}
	if r := check(t, after); r.Verdict != protocol.Violated {
		t.Errorf("a wait after one that forgets nobody: %s\n%v", r.Verdict, after.Subject.Protocol)
	}
	const text = `protocol named
  install publish; each { target=jump; bypass=nop }
  update  publish; each { target=jump }; retire epoch
  remove  publish; each { bypass=jump; wait epoch; target=nop }; retire epoch`
	for _, g := range protocol.Graces() {
		for _, c := range []struct {
			drop, with string
			own        bool // the flavour matters
		}{
			{"", "", false}, {"wait epoch", "wait", true}, {"retire epoch\n", "retire\n", true},
			{"wait epoch", "wait epoch; wait", false}, {"wait epoch", "wait; wait epoch", false},
		} {
			cfg := subjectOf(t, 2, strings.Replace(text, c.drop, c.with, 1))
			cfg.Subject.Grace = g
			want := protocol.Safe
			if c.own && g.Kind != protocol.GraceEpoch {
				want = protocol.Violated
			}
			if r := check(t, cfg); r.Verdict != want {
				t.Errorf("%s, %v: %s %s\n%v", g.Name, cfg.Subject.Protocol, r.Verdict, r.Property, r.Witness)
			}
		}
	}
}
