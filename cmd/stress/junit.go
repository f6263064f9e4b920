package main

import (
	"encoding/xml"
	"fmt"
	"strings"

	"tailpoke/stress/report"
)

// A junitSuite is a report as build servers read it: a case for each engine.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"` // in seconds
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
	Skipped *junitText `xml:"skipped"`
	Output  string     `xml:"system-out"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// junitXML is a report in that format.
func junitXML(r *report.Document, expect report.Overall) (string, error) {
	s := junitSuite{Name: "stress: " + subjectText(r.Subject), Tests: len(r.Verdicts)}
	total := 0.0
	for _, v := range r.Verdicts {
		total += v.Seconds
		c := junitCase{
			Class: "stress." + r.Subject.Protocol, Name: string(v.Engine), Time: fmt.Sprintf("%.3f", v.Seconds),
			Output: fmt.Sprintf("%s\n%s\nseed %s", v.Verdict, strings.Join(figures(v), "\n"), r.Seed),
		}
		kind, why, _ := strings.Cut(resultOf(v, r.Verdict, expect).directive, " ")
		switch {
		case kind == "SKIP":
			s.Skipped++
			c.Skipped = &junitText{Message: why}
		case kind == "ERROR":
			s.Errors++
			c.Error = &junitText{Message: why}
		case !resultOf(v, r.Verdict, expect).ok:
			s.Failures++
			c.Failure = &junitText{fmt.Sprintf("%s %s, expected %s", v.Verdict, v.Property, expect), strings.Join(v.Witness, "\n")}
		}
		s.Cases = append(s.Cases, c)
	}
	s.Time = fmt.Sprintf("%.3f", total)
	out, err := xml.MarshalIndent(s, "", "  ")
	return xml.Header + string(out) + "\n", err
}
