package render

import (
	"fmt"
	"io"
	"strings"

	"tailpoke/stress/report"
)

// writeKTAP writes a document in the kernel's test format (Documentation/dev-tools/ktap.rst): a
// test for each case, after diagnostic lines with what was seen.
func writeKTAP(w io.Writer, d *report.Document) error {
	cases, err := casesOf(d)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "KTAP version 1\n1..%d\n", len(cases))
	for _, f := range fields(d) {
		fmt.Fprintf(&b, "# %s %s\n", f[0], oneLine(f[1]))
	}
	for i, c := range cases {
		for _, lines := range [][]string{c.seen, c.detail} {
			for _, line := range lines {
				fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("# %s: %s", c.name, line), " "))
			}
		}
		state, why := "ok", ""
		switch c.result {
		case failed:
			state = "not ok"
		case skipped:
			why = " # SKIP " + oneLine(c.why)
		case broken:
			state, why = "not ok", " # ERROR "+oneLine(c.why)
		}
		fmt.Fprintf(&b, "%s %d %s%s\n", state, i+1, strings.ReplaceAll(c.name, "#", "no. "), strings.TrimRight(why, " "))
	}
	if d.Error != "" {
		fmt.Fprintf(&b, "Bail out! %s\n", oneLine(d.Error))
	}
	_, err = io.WriteString(w, b.String())
	return err
}
