package stress

import (
	"context"
	"testing"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/rcu"
	"tailpoke/stress/report"
)

// needCPU skips a test where images cannot be executed.
func needCPU(t *testing.T) {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skipf("no cpu engine: %v", err)
	}
}

// TestZoo judges mutants of all kinds by every engine: each fault is found, and nobody who is innocent
// is accused. CI has the command judge all of them.
func TestZoo(t *testing.T) {
	needCPU(t)
	s, target, err := Choice{Sites: 1}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	restore, err := rcu.Elevate()
	boosted := err == nil
	if boosted {
		restore()
	}
	if !boosted {
		t.Log("no real-time priorities: the cpu engine may miss what needs a descheduled thread")
	}
	_, err = Mutants(context.Background(), s, target, MutantsOptions{
		Names:    []string{"no-grace", "bytes", "lazy-free", "freed-twice", "double-grace"},
		Duration: 10 * time.Second, SafeDuration: time.Second, Seed: 1,
		Progress: func(m report.Mutant, _, _ int) {
			t.Logf("%-18s found %v in %.3f s, broke %v", m.Name, m.Found, m.Seconds[protocol.CPU], m.Broke)
			missed := m.Found[protocol.CPU] == protocol.NotObserved && m.Found[protocol.Model] == m.Expect[protocol.Model]
			if missed && (!boosted || raceBuild && m.Property == protocol.NoTorn) {
				// CI judges the zoo by the command too, which is built without the detector.
				t.Logf("%s: not seen by the cpu engine this time", m.Name)
			} else if !m.Agree {
				t.Errorf("%s: expected %v %s, found %v %v", m.Name, m.Expect, m.Property, m.Found, m.Broke)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}
