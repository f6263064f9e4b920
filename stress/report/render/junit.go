package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"tailpoke/stress/report"
)

// A junitSuite is a document as build servers read it.
type junitSuite struct {
	XMLName    xml.Name        `xml:"testsuite"`
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"` // in seconds
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
	Skipped *junitText `xml:"skipped"`
	Output  string     `xml:"system-out,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes a document as one suite.
func writeJUnit(w io.Writer, d *report.Document) error {
	cases, err := casesOf(d)
	if err != nil {
		return err
	}
	s := junitSuite{Name: "stress " + verb(d), Tests: len(cases), Time: seconds(d.Seconds)}
	class := "stress." + verb(d)
	if d.Subject != nil {
		s.Name, class = "stress: "+subjectText(d.Subject), "stress."+d.Subject.Protocol
		if d.Subject.Object != "" { // of many objects and entries each has cases of its own
			class += "." + d.Subject.Object + "." + d.Subject.Entry
		}
	}
	for _, f := range fields(d) {
		s.Properties = append(s.Properties, junitProperty{f[0], f[1]})
	}
	for _, c := range cases {
		s.add(class, &c)
	}
	if d.Error != "" {
		s.Tests++
		s.add(class, &testCase{name: "harness", result: broken, why: d.Error})
	}
	out, err := xml.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xml.Header+string(out)+"\n")
	return err
}

func (s *junitSuite) add(class string, c *testCase) {
	out := junitCase{Class: class, Name: c.name, Time: seconds(c.seconds), Output: strings.Join(c.seen, "\n")}
	text := &junitText{c.why, strings.Join(c.detail, "\n")}
	switch c.result {
	case failed:
		s.Failures++
		out.Failure = text
	case skipped:
		s.Skipped++
		out.Skipped = text
	case broken:
		s.Errors++
		out.Error = text
	}
	s.Cases = append(s.Cases, out)
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
