package main

import (
	"fmt"
	"strings"

	"tailpoke/stress/report"
)

// A result is what a test harness makes of an engine's verdict. A verdict that leaves the question open
// is no success; an engine that was not asked, or cannot be, is none either.
type result struct {
	ok        bool
	directive string // "SKIP why", "ERROR why" or ""
}

// Where a violation is expected and there is one, an engine that sees none is no failure.
func resultOf(v report.Verdict, overall, expect report.Overall) result {
	switch v.Verdict {
	case "skipped", "unsupported":
		return result{true, "SKIP " + oneLine(v.Reason)}
	case "vacuous", "bounded":
		return result{false, strings.TrimRight(fmt.Sprintf("ERROR %s: %s", v.Verdict, oneLine(v.Reason)), ": ")}
	}
	if expect == report.Violated {
		return result{overall == report.Violated, ""}
	}
	return result{v.Verdict != "violated", ""}
}

// ktapFailed is what stands in place of a report where the harness failed.
func ktapFailed(err error) string {
	return fmt.Sprintf("KTAP version 1\n1..0\nBail out! %s\n", oneLine(err.Error()))
}

// ktapText is a report in the kernel's test format (Documentation/dev-tools/ktap.rst): a test for
// each engine, behind diagnostic lines with what it has seen.
func ktapText(r *report.Document, expect report.Overall) string {
	var b strings.Builder
	fmt.Fprintf(&b, "KTAP version 1\n1..%d\n", len(r.Verdicts))
	fmt.Fprintf(&b, "# subject %s\n# seed %s\n", subjectText(r.Subject), r.Seed)
	for i, v := range r.Verdicts {
		for _, line := range append([]string{string(v.Verdict)}, append(figures(v), v.Witness...)...) {
			fmt.Fprintf(&b, "# %s: %s\n", v.Engine, oneLine(line))
		}
		res := resultOf(v, r.Verdict, expect)
		state, directive := "ok", ""
		if !res.ok {
			state = "not ok"
		}
		if res.directive != "" {
			directive = " # " + res.directive
		}
		fmt.Fprintf(&b, "%s %d %s%s\n", state, i+1, v.Engine, directive)
	}
	return b.String()
}
