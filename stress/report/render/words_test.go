package render

import (
	"strings"
	"testing"

	"tailpoke/stress/report"
)

// TestGoldenNotBuiltIn: a protocol that only has a built-in one's name says so, and its text is shown where
// something is violated, and on pages.
func TestGoldenNotBuiltIn(t *testing.T) {
	d := judged(report.Violated)
	for _, c := range []struct {
		name, text, want string
	}{
		{"kernel", "", "protocol kernel, method"},
		{"mine", "protocol mine\n  install\n", "protocol mine, method"},
		{"kernel", "protocol kernel\n  install\n", "protocol kernel (not the built-in one), method"},
	} {
		d.Subject.Protocol, d.Subject.ProtocolText = c.name, c.text
		var text, page strings.Builder
		if err := writeText(&text, d, Page{}); err != nil {
			t.Fatal(err)
		}
		if err := writeHTML(&page, d); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), c.want) {
			t.Errorf("%q is not in\n%s", c.want, text.String())
		}
		shown := strings.Contains(text.String(), "\n    protocol "+c.name+"\n      install\n")
		onPage := strings.Contains(page.String(), "protocol "+c.name+"\n  install\n")
		if own := c.text != ""; shown != own || onPage != own {
			t.Errorf("%q: shown %v, on the page %v", c.text, shown, onPage)
		}
	}
}

// TestOneFinding: a page filters findings, and one alone needs no filter.
func TestOneFinding(t *testing.T) {
	d := judged(report.Violated)
	for n := range 3 {
		var page strings.Builder
		if err := writeHTML(&page, d); err != nil {
			t.Fatal(err)
		}
		if filters := strings.Contains(page.String(), `data-filter="findings`); filters != (n > 1) {
			t.Errorf("%d findings: a filter %v", n, filters)
		}
		d.Findings = append(d.Findings, report.Finding{Kind: report.OfCrash, Text: "it died", Count: 1})
	}
}
