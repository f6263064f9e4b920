package report

import (
	"testing"

	"tailpoke/patcher/protocol"
)

func TestSum(t *testing.T) {
	of := func(vs ...protocol.Verdict) Overall {
		var out []Verdict
		for _, v := range vs {
			out = append(out, Verdict{Verdict: v})
		}
		return Sum(out)
	}
	for _, tc := range []struct {
		got, want Overall
	}{
		{of(protocol.Proved, protocol.NotObserved), Holds},
		{of(protocol.Proved, protocol.Violated), Violated},
		{of(protocol.Violated, protocol.NotObserved), Violated},
		{of(protocol.Proved, protocol.Vacuous), NoAnswer},
		{of(protocol.Bounded, protocol.NotObserved), NoAnswer},
		{of(protocol.Proved, protocol.Skipped), Holds},
		{of(protocol.Skipped), NoAnswer},
		{of(protocol.Unsupported), NoAnswer},
		{of(), NoAnswer},
	} {
		if tc.got != tc.want {
			t.Errorf("got %s, want %s", tc.got, tc.want)
		}
	}
}
