package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

// An ending is a document with the exit code that it is to have.
type ending struct {
	name     string
	report   *report.Document
	required []stress.Engine
	expect   report.Overall
	code     int
}

func endings() []ending {
	reportOf := func(overall report.Overall, verdicts ...protocol.Verdict) *report.Document {
		r := &report.Document{Verdict: overall}
		for i, v := range verdicts {
			r.Verdicts = append(r.Verdicts, report.Verdict{Engine: []stress.Engine{"model", "cpu"}[i], Verdict: v, Reason: "reasons"})
		}
		return r
	}
	cpu := []stress.Engine{"cpu"}
	all := []ending{
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
	}
	for _, c := range all {
		c.report.Expect, c.report.Required = c.expect, c.required
	}
	return all
}

func TestExitOf(t *testing.T) {
	for _, c := range endings() {
		t.Run(c.name, func(t *testing.T) {
			var stderr strings.Builder
			if code := exitCode(cmp.Or(missing(c.report), exitOf(c.report)), &stderr); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if lines := strings.Count(stderr.String(), "\n"); (c.code == codeMissing) != (lines == 1) {
				t.Errorf("%d lines: %q", lines, stderr.String())
			}
		})
	}
}

// TestGoldenExitOf: what build servers and kernel CI read fails where the exit code does.
func TestGoldenExitOf(t *testing.T) {
	for _, c := range endings() {
		t.Run(c.name, func(t *testing.T) {
			var junit, ktap strings.Builder
			if err := errors.Join(formatOf(t, "junit")(&junit, c.report, render.Page{}), formatOf(t, "ktap")(&ktap, c.report, render.Page{})); err != nil {
				t.Fatal(err)
			}
			green := strings.Contains(junit.String(), `failures="0" errors="0"`)
			if is := !strings.Contains(ktap.String(), "\nnot ok"); green != (c.code == 0) || is != green {
				t.Errorf("exit code %d, and green is %v in JUnit, %v in KTAP:\n%s%s", c.code, green, is, &junit, &ktap)
			}
		})
	}
}

// formatOf writes documents in a form.
func formatOf(t *testing.T, name string) func(io.Writer, *report.Document, render.Page) error {
	t.Helper()
	for _, f := range render.Formats() {
		if f.Name == name {
			return f.Write
		}
	}
	t.Fatalf("no form %q", name)
	return nil
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
