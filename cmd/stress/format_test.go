package main

import (
	"encoding/xml"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

// manyVerdicts is a report with a verdict of each kind.
func manyVerdicts() *report.Document {
	r := &report.Document{Verdict: report.Violated, Seed: "0x1", Subject: report.Subject{Protocol: "kernel"}}
	r.Verdicts = []report.Verdict{
		{Verdict: "proved"}, {Verdict: "safe"}, {Verdict: "not-observed"}, {Verdict: "violated"},
		{Verdict: "vacuous"}, {Verdict: "bounded"}, {Verdict: "unsupported"}, {Verdict: "skipped"},
	}
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		v.Engine, v.Reason = stress.Engine("e-"+v.Verdict), "why # not"
	}
	r.Verdicts[3].Witness = []string{"step 1", "step <2>"}
	return r
}

// tapResults has perl's TAP::Parser, which the tests of perl are run with, read a text.
func tapResults(t *testing.T, text string) string {
	t.Helper()
	if err := exec.Command("perl", "-MTAP::Parser", "-e", "1").Run(); err != nil {
		t.Skipf("no perl with TAP::Parser to read it with: %v", err)
	}
	cmd := exec.Command("perl", "-MTAP::Parser", "-e", `
		my $p = TAP::Parser->new({tap => join('', <STDIN>)});
		while (my $r = $p->next) {
			next unless $r->is_test;
			print $r->number, ' ', $r->is_actual_ok ? 'ok' : 'not ok', $r->has_skip ? ' skip' : '', "\n";
		}
		print 'errors: ', join('; ', $p->parse_errors), "\n";`)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestKTAP: a TAP parser reads what each engine said.
func TestKTAP(t *testing.T) {
	text := ktapText(manyVerdicts(), report.Holds)
	if !strings.HasPrefix(text, "KTAP version 1\n1..8\n") {
		t.Errorf("begins with %.30q", text)
	}
	const want = "1 ok\n2 ok\n3 ok\n4 not ok\n5 not ok\n6 not ok\n7 ok skip\n8 ok skip\nerrors: \n"
	if got := tapResults(t, text); got != want {
		t.Errorf("read as\n%swant\n%sof\n%s", got, want, text)
	}
	turned := tapResults(t, ktapText(manyVerdicts(), report.Violated))
	if !strings.HasPrefix(turned, "1 ok\n2 ok\n3 ok\n4 ok\n5 not ok\n") {
		t.Errorf("with a violation that was expected: %s", turned)
	}
	none := manyVerdicts()
	none.Verdict = report.Holds
	if turned := tapResults(t, ktapText(none, report.Violated)); !strings.HasPrefix(turned, "1 not ok\n") {
		t.Errorf("without a violation that was expected: %s", turned)
	}
	if got := tapResults(t, ktapFailed(errors.New("no\nmemory"))); !strings.Contains(got, "Bail out") && !strings.HasPrefix(got, "errors: ") {
		t.Errorf("a failed run is read as %q", got)
	}
}

// TestKTAPOfRun: so it reads what the command prints.
func TestKTAPOfRun(t *testing.T) {
	var out, errs strings.Builder
	code := run([]string{"run", "--engine", "model", "--sites", "1", "--format", "ktap"}, &out, &errs)
	if got := tapResults(t, out.String()); got != "1 ok\nerrors: \n" || code != 0 {
		t.Errorf("exit %d, read as %q of\n%s%s", code, got, out.String(), errs.String())
	}
}

// TestJUnit: a build server counts what each engine said.
func TestJUnit(t *testing.T) {
	text, err := junitXML(manyVerdicts(), report.Holds)
	if err != nil {
		t.Fatal(err)
	}
	var s junitSuite
	if err := xml.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if s.Tests != 8 || s.Failures != 1 || s.Errors != 2 || s.Skipped != 2 || len(s.Cases) != 8 {
		t.Errorf("%+v", s)
	}
	if f := s.Cases[3].Failure; f == nil || f.Text != "step 1\nstep <2>" {
		t.Errorf("failure %+v", f)
	}
}
