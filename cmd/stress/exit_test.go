package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/report"
)

func TestExitOf(t *testing.T) {
	reportOf := func(overall report.Overall, verdicts ...protocol.Verdict) *report.Document {
		r := &report.Document{Verdict: overall}
		for i, v := range verdicts {
			r.Verdicts = append(r.Verdicts, report.Verdict{Engine: []stress.Engine{"model", "cpu"}[i], Verdict: v, Reason: "reasons"})
		}
		return r
	}
	cpu := []stress.Engine{"cpu"}
	for _, c := range []struct {
		name     string
		report   *report.Document
		required []stress.Engine
		expect   report.Overall
		code     int
	}{
		{"holds", reportOf(report.Holds, "proved", "not-observed"), cpu, report.Holds, 0},
		{"violated", reportOf(report.Violated, "violated", "violated"), cpu, report.Holds, 1},
		{"expected", reportOf(report.Violated, "violated", "violated"), cpu, report.Violated, 0},
		{"not as expected", reportOf(report.Holds, "proved", "not-observed"), cpu, report.Violated, 1},
		{"vacuous", reportOf(report.NoAnswer, "proved", "vacuous"), nil, report.Holds, 5},
		{"vacuous, expecting", reportOf(report.NoAnswer, "proved", "vacuous"), nil, report.Violated, 5},
		{"skipped", reportOf(report.Holds, "proved", "skipped"), nil, report.Holds, 0},
		{"skipped, required", reportOf(report.Holds, "proved", "skipped"), cpu, report.Holds, 4},
		{"skipped, required, violated", reportOf(report.Violated, "violated", "skipped"), cpu, report.Violated, 4},
		{"unsupported, required", reportOf(report.Holds, "proved", "unsupported"), cpu, report.Holds, 4},
		{"all skipped", reportOf(report.NoAnswer, "skipped", "skipped"), nil, report.Holds, 4},
		{"none can judge", reportOf(report.NoAnswer, "unsupported", "skipped"), nil, report.Holds, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr strings.Builder
			c.report.Expect = c.expect
			if code := exitCode(cmp.Or(missing(c.report, c.required), exitOf(c.report)), &stderr); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if lines := strings.Count(stderr.String(), "\n"); (c.code == codeMissing) != (lines == 1) {
				t.Errorf("%d lines: %q", lines, stderr.String())
			}
		})
	}
}

// TestRefused: what this machine lacks for a choice is no fault of the choice.
func TestRefused(t *testing.T) {
	for err, want := range map[error]int{
		errors.New("no such layout"):                            codeUsage,
		fmt.Errorf("layout running: %w", errors.ErrUnsupported): codeMissing,
	} {
		var stderr strings.Builder
		if code := exitCode(refused(err), &stderr); code != want || stderr.String() != "stress: "+err.Error()+"\n" {
			t.Errorf("%v: exit code %d, want %d: %s", err, code, want, &stderr)
		}
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
