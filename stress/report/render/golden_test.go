package render

import (
	"encoding/xml"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tailpoke/internal/schema"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

var update = flag.Bool("update", false, "write what is printed into testdata")

func written(t *testing.T, f Format, d *report.Document) string {
	t.Helper()
	var b strings.Builder
	if err := f.Write(&b, d, Page{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func formatNamed(t *testing.T, name string) Format {
	t.Helper()
	for _, f := range Formats() {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no format %s", name)
	return Format{}
}

// TestGoldenDocuments: every kind of document in every form is what testdata has.
func TestGoldenDocuments(t *testing.T) {
	for name, d := range documents() {
		for _, f := range Formats() {
			if f.Name == "html" { // TestGoldenPages has some, without what all share
				continue
			}
			t.Run(name+"/"+f.Name, func(t *testing.T) {
				got := written(t, f, d)
				file := filepath.Join("testdata", name+"."+f.Name)
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("is\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

// TestSchemas: what is written as JSON is as its schema says. Of a failure nobody is told in JSON.
func TestSchemas(t *testing.T) {
	for name, d := range documents() {
		if err := schema.Check([]byte(written(t, formatNamed(t, "json"), d))); err != nil && d.Error == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemasRefuse: a document that is wrong is not as its schema says.
func TestSchemasRefuse(t *testing.T) {
	raw := written(t, formatNamed(t, "json"), documents()["holds"])
	for _, wrong := range [][2]string{
		{`"schema": "stress/verdict/2"`, `"schema": "stress/verdict/1"`},
		{`"schema": "stress/verdict/2"`, `"schema": "stress/mutants/2"`},
		{`"tool": {`, `"tools": {`},
		{`"cpus": 2`, `"cpus": "2"`},
		{`"engine": "cpu"`, `"engine": "gpu"`},
		{`"verdict": "proved"`, `"verdict": "Proved"`},
		{`"states": 1234567`, `"states": -1`},
		{`"states": 1234567`, `"states": 1.5`},
		{`"transitions": 2345678,`, ``}, // what belongs to states
		{`"seconds": 5`, `"secs": 5`},
		{`"remove": 1,`, `"remove": null,`},
	} {
		if bad := strings.Replace(raw, wrong[0], wrong[1], 1); bad == raw || schema.Check([]byte(bad)) == nil {
			t.Errorf("%s in the place of %s: the schema takes it", wrong[1], wrong[0])
		}
	}
}

// TestGoldenLines are the lines that say how far a verb has come.
func TestGoldenLines(t *testing.T) {
	m := aMutants()
	for got, want := range map[string]string{
		ProgressLine(report.Progress{Engine: protocol.CPU, Seconds: 9.96, Operations: 1, Cycles: 1000, Traps: 2, Bad: 0}, 12345.6): "cpu 10s: 12,345 executions/s, 1 operation, 1,000 cycles, 2 traps, 0 findings",
		MutantLine(m.Engines, &m.Mutants[0]):       "no-grace: violated - violated (registers) 0.020 s (2 of 3) agree",
		MutantLine(m.Engines, &m.Mutants[1]):       "lazy: violated (want proved) - - - DISAGREE",
		SearchLine("remove", 100, 3832):            "remove: 100 of 3,832 judged",
		grouped(0) + " " + grouped(12):             "0 12",
		grouped(123456) + " " + grouped(1234567):   "123,456 1,234,567",
		counted(1, "site") + counted(2, " site"):   "1 site2  sites",
		share(1, 0) + share(2, 2) + share(1, 3):    "none100 %33.3 %",
		micros(999.4) + micros(1000) + micros(1e6): "999 us1.0 ms1000.0 ms",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestGoldenStepped has every outcome of steps on real CPUs in words.
func TestGoldenStepped(t *testing.T) {
	for want, s := range map[string]report.Stepped{
		"2 of 2 steps as the witness says; seen; let go, thread 0 returned 0x1": {
			Outcome: report.Taken, Taken: 2, Steps: 2, Seen: "seen", Then: "thread 0 returned 0x1",
		},
		"2 of 2 steps as the witness says; seen":        {Outcome: report.Taken, Taken: 2, Steps: 2, Seen: "seen"},
		"step 2 why; 1 of 2 steps as the witness says":  {Outcome: report.NotForced, Taken: 1, Steps: 2, Text: "step 2 why"},
		"step 2: why; 1 of 2 steps as the witness says": {Outcome: report.Differs, Taken: 1, Steps: 2, Text: "step 2: why"},
		"why": {Outcome: report.NotStepped, Steps: 2, Text: "why"},
	} {
		if got := strings.Join(steppedFigures(&s), "; "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
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

// results are those of the cases of a document, a word each.
func results(t *testing.T, d *report.Document) []result {
	t.Helper()
	cases, err := casesOf(d)
	if err != nil {
		t.Fatal(err)
	}
	var out []result
	for _, c := range cases {
		out = append(out, c.result)
	}
	return out
}

// every is a document with a verdict of each kind.
func every(overall, expect report.Overall) *report.Document {
	d := judged(overall)
	d.Expect = expect
	for _, v := range []protocol.Verdict{
		protocol.Proved, protocol.Safe, protocol.NotObserved, protocol.Violated,
		protocol.Vacuous, protocol.Bounded, protocol.Unsupported, protocol.Skipped,
	} {
		d.Verdicts = append(d.Verdicts, report.Verdict{Engine: protocol.Engine("e-" + v), Verdict: v, Reason: "why # not"})
	}
	return d
}

// TestResults: a verdict that leaves the question open is no success, and where a violation is
// expected one engine's is enough.
func TestResults(t *testing.T) {
	rest := []result{broken, broken, skipped, skipped}
	for _, c := range []struct {
		overall, expect report.Overall
		want            []result
	}{
		{report.Violated, "", []result{passed, passed, passed, failed}},
		{report.Violated, report.Holds, []result{passed, passed, passed, failed}},
		{report.Violated, report.Violated, []result{passed, passed, passed, passed}},
		{report.Holds, report.Violated, []result{failed, failed, failed, failed}},
	} {
		got := results(t, every(c.overall, c.expect))
		for i, want := range append(c.want, rest...) {
			if got[i] != want {
				t.Errorf("%s, expecting %q: case %d is %d, want %d", c.overall, c.expect, i, got[i], want)
			}
		}
	}
}

// TestGoldenKTAP: a TAP parser reads what each engine said, and every other document.
func TestGoldenKTAP(t *testing.T) {
	f := formatNamed(t, "ktap")
	const want = "1 ok\n2 ok\n3 ok\n4 not ok\n5 not ok\n6 not ok\n7 ok skip\n8 ok skip\nerrors: \n"
	text := written(t, f, every(report.Violated, ""))
	if got := tapResults(t, text); got != want {
		t.Errorf("read as\n%swant\n%sof\n%s", got, want, text)
	}
	for name, d := range documents() {
		text := written(t, f, d)
		if got := tapResults(t, text); name != "failed" && !strings.HasSuffix(got, "errors: \n") {
			t.Errorf("%s is read as %q:\n%s", name, got, text)
		}
	}
}

// TestGoldenJUnit: a build server counts the cases of each kind.
func TestGoldenJUnit(t *testing.T) {
	var s junitSuite
	if err := xml.Unmarshal([]byte(written(t, formatNamed(t, "junit"), every(report.Violated, ""))), &s); err != nil {
		t.Fatal(err)
	}
	if s.Tests != 8 || s.Failures != 1 || s.Errors != 2 || s.Skipped != 2 || len(s.Cases) != 8 {
		t.Errorf("%+v", s)
	}
	for name, d := range documents() {
		var s junitSuite
		if err := xml.Unmarshal([]byte(written(t, formatNamed(t, "junit"), d)), &s); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		failures, errors, skipped := 0, 0, 0
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errors++
			}
			if c.Skipped != nil {
				skipped++
			}
		}
		if s.Tests != len(s.Cases) || s.Failures != failures || s.Errors != errors || s.Skipped != skipped {
			t.Errorf("%s: counts %d %d %d %d of %d cases", name, s.Tests, s.Failures, s.Errors, s.Skipped, len(s.Cases))
		}
		stamps := map[string]bool{}
		for _, p := range s.Properties {
			stamps[p.Name] = p.Value != ""
		}
		if !stamps["tool"] || !stamps["machine"] || !stamps["again"] {
			t.Errorf("%s: properties %v", name, s.Properties)
		}
	}
}

// TestUnknownSection: a section that has no view is an error, not an empty page.
func TestUnknownSection(t *testing.T) {
	d := sectionOf(unknown{})
	for _, f := range Formats() {
		var b strings.Builder
		if err := f.Write(&b, d, Page{}); (err == nil) != (f.Name == "json") {
			t.Errorf("%s: %v, %q", f.Name, err, b.String())
		}
	}
}

type unknown struct{}

func (unknown) Schema() string          { return "stress/unknown/1" }
func (unknown) Overall() report.Overall { return "" }
