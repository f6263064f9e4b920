package judge

import (
	"context"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/sim"
)

// TestTimeIsOver: an exploration that ends when only installs were explored has no answer; one that
// ends later is safe within what it went through.
func TestTimeIsOver(t *testing.T) {
	for endsAt, want := range map[int]struct {
		verdict protocol.Verdict
		reason  string
	}{
		1: {protocol.Bounded, "stopped after 1 states: its time was over"},
		2: {protocol.Bounded, "its time was over after any 1 operation: no update and no remove was explored"},
		3: {protocol.Safe, "1 thread, any 2 operations"},
	} {
		j := sleepableJob(t, "double-grace", 1)
		c, err := machineConfig(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		begun := 0
		c.Far = func(states, _, depth int) {
			if depth == 0 {
				begun++
			}
			if begun == endsAt {
				cancel(ErrBudget)
			}
		}
		r, err := deepen(ctx, &c)
		if err != nil {
			t.Fatal(err)
		}
		a, err := machineAnswer(&c, r, nil)
		if err != nil || a.Verdict.Verdict != want.verdict || a.Reason != want.reason {
			t.Errorf("ended in exploration %d: %s %q, %v; want %s %q", endsAt, a.Verdict.Verdict, a.Reason, err, want.verdict, want.reason)
		}
	}
}

// TestStatesAreOver: the same holds of a bound on states.
func TestStatesAreOver(t *testing.T) {
	c, err := machineConfig(t.Context(), sleepableJob(t, "double-grace", 1))
	if err != nil {
		t.Fatal(err)
	}
	one := c
	one.MaxOps = 1
	r, err := sim.Check(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	c.MaxStates = r.States + 1
	if r, err = deepen(t.Context(), &c); err != nil || r.Verdict != protocol.Bounded || !strings.HasSuffix(r.Reason, " of any 2 operations: no update and no remove was explored") {
		t.Errorf("%s: %s, %v", r.Verdict, r.Reason, err)
	}
}
