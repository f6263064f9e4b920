package report

import "testing"

// TestAffectedOverall: one fault outweighs all, and what was not asked says nothing.
func TestAffectedOverall(t *testing.T) {
	for _, c := range []struct {
		answers []Answer
		want    Overall
	}{
		{nil, NoAnswer},
		{[]Answer{CannotTell, NotApplicable}, NoAnswer},
		{[]Answer{CannotTell, HasNot}, Holds},
		{[]Answer{NotSeen, NotApplicable}, Holds},
		{[]Answer{HasNot, HasFault, CannotTell}, Violated},
		{[]Answer{HasFault, HasNot}, Violated},
	} {
		a := &Affected{}
		for _, answer := range c.answers {
			a.Faults = append(a.Faults, AffectedFault{Answer: answer})
		}
		if got := New(a).Verdict; got != c.want {
			t.Errorf("%v: %s, want %s", c.answers, got, c.want)
		}
	}
}
