package main

import (
	"fmt"
	"strings"

	"tailpoke/stress"
)

// A result is what a test harness makes of an engine's verdict. A verdict that leaves the question open
// is no success; an engine that was not asked, or cannot be, is none either.
type result struct {
	ok        bool
	directive string // "SKIP why", "ERROR why" or ""
}

func resultOf(v stress.Verdict, expect stress.Overall) result {
	switch v.Verdict {
	case "skipped", "unsupported":
		return result{true, "SKIP " + oneLine(v.Reason)}
	case "vacuous", "bounded":
		return result{false, strings.TrimRight(fmt.Sprintf("ERROR %s: %s", v.Verdict, oneLine(v.Reason)), ": ")}
	}
	return result{(v.Verdict == "violated") == (expect == stress.Violated), ""}
}

// ktapText is a report in the kernel's test format (Documentation/dev-tools/ktap.rst): a test for
// each engine, behind diagnostic lines with what it has seen.
func ktapText(r *stress.Report, expect stress.Overall) string {
	var b strings.Builder
	fmt.Fprintf(&b, "KTAP version 1\n1..%d\n", len(r.Verdicts))
	fmt.Fprintf(&b, "# subject %s\n# seed %s\n", subjectText(r.Subject), r.Seed)
	for i, v := range r.Verdicts {
		for _, line := range append([]string{string(v.Verdict)}, append(figures(v), v.Witness...)...) {
			fmt.Fprintf(&b, "# %s: %s\n", v.Engine, line)
		}
		res := resultOf(v, expect)
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
