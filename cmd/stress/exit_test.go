package main

import (
	"errors"
	"strings"
	"testing"

	"tailpoke/stress"
)

func TestExitOf(t *testing.T) {
	report := func(overall stress.Overall, verdicts ...stress.EngineVerdict) *stress.Report {
		r := &stress.Report{Verdict: overall}
		for i, v := range verdicts {
			r.Verdicts = append(r.Verdicts, stress.Verdict{Engine: []stress.Engine{"model", "cpu"}[i], Verdict: v, Reason: "reasons"})
		}
		return r
	}
	cpu := []stress.Engine{"cpu"}
	for _, c := range []struct {
		name     string
		report   *stress.Report
		required []stress.Engine
		expect   stress.Overall
		code     int
	}{
		{"holds", report(stress.Holds, "proved", "not-observed"), cpu, stress.Holds, 0},
		{"violated", report(stress.Violated, "violated", "violated"), cpu, stress.Holds, 1},
		{"expected", report(stress.Violated, "violated", "violated"), cpu, stress.Violated, 0},
		{"not as expected", report(stress.Holds, "proved", "not-observed"), cpu, stress.Violated, 1},
		{"vacuous", report(stress.NoAnswer, "proved", "vacuous"), nil, stress.Holds, 5},
		{"vacuous, expecting", report(stress.NoAnswer, "proved", "vacuous"), nil, stress.Violated, 5},
		{"skipped", report(stress.Holds, "proved", "skipped"), nil, stress.Holds, 0},
		{"skipped, required", report(stress.Holds, "proved", "skipped"), cpu, stress.Holds, 4},
		{"skipped, required, violated", report(stress.Violated, "violated", "skipped"), cpu, stress.Violated, 4},
		{"unsupported, required", report(stress.Holds, "proved", "unsupported"), cpu, stress.Holds, 4},
		{"all skipped", report(stress.NoAnswer, "skipped", "skipped"), nil, stress.Holds, 4},
		{"none can judge", report(stress.NoAnswer, "unsupported", "skipped"), nil, stress.Holds, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr strings.Builder
			if code := exitCode(exitOf(c.report, c.required, c.expect), &stderr); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if lines := strings.Count(stderr.String(), "\n"); (c.code == codeMissing) != (lines == 1) {
				t.Errorf("%d lines: %q", lines, stderr.String())
			}
		})
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":    "plain",
		"a\n\tb\n": "a b",
		"unknown command \"rnu\" for \"stress\"\n\nDid you mean this?\n\trun\n": `unknown command "rnu" for "stress"; did you mean run`,
		errors.Join(errors.New("one"), errors.New("two")).Error():               "one two",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", in, got, want)
		}
	}
}
