package render

import (
	"testing"

	"tailpoke/stress/report"
)

// anAffected has a fault with every answer.
func anAffected() *report.Affected {
	fault := func(name string, a report.Answer, seen string) report.AffectedFault {
		return report.AffectedFault{
			Name: name, Answer: a, Seen: seen, Says: "it loses the <count>", Origin: "0123456789ab", Versions: "5.10 to 6.11",
			Again: "stress affected " + name, Seconds: 0.25,
		}
	}
	race := fault("poke-race", report.NotSeen, "the kernel outlived 3000 loads")
	race.Race, race.Endangers, race.Trials, race.RateMax, race.Confidence = true, true, 3000, 0.001, 0.95
	race.Shown = "5.10.262 ends"
	return &report.Affected{Faults: []report.AffectedFault{
		fault("hierarchy", report.HasFault, "66 tail calls"),
		fault("trampoline", report.HasFault, "64 tail calls"),
		fault("miss-counts", report.HasNot, "taken"),
		fault("freplace-type", report.NotApplicable, "no extensions"),
		fault("hook-mix", report.CannotTell, "operation not permitted"),
		race,
	}}
}

// TestGoldenAffectedSummary: faults that a kernel has are named, and those of which nothing is known.
func TestGoldenAffectedSummary(t *testing.T) {
	all := anAffected()
	for want, a := range map[string]*report.Affected{
		"affected by: hierarchy, trampoline; 4 asked; cannot tell: hook-mix": all,
		"affected by none; 2 asked": {Faults: []report.AffectedFault{all.Faults[2], all.Faults[5]}},
		"affected by none; 0 asked": {Faults: all.Faults[3:4]},
	} {
		if got := Summary(report.New(a)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
