package render

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// An htmlPage is a document as a page that needs no other file, no server and no network.
type htmlPage struct {
	Title   string
	Live    bool   // a server has newer ones
	Policy  string // of [PolicyOf]
	Style   template.CSS
	Script  template.JS
	Schema  string
	Verdict string
	Head    string   // what is violated, or what the verdict rests on
	Says    []string // more, a line each
	Rows    []htmlRow
	Parts   []htmlPart
	Jumps   []htmlJump
	Facts   [][2]string
	Again   string
}

// An htmlJump is a way to what a reader looks for first.
type htmlJump struct{ To, Text string }

//go:embed page/page.html page/page.css page/page.js
var pageFiles embed.FS

var pageForm = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"word": verdictClass,
	"last": func(n int) int { return n - 1 },
}).ParseFS(pageFiles, "page/page.html"))

// asset is a file of the page's own.
func asset(name string) string {
	text, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}

// hashOf names a script or a style in a content security policy.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// writeHTML writes a document as a page.
func writeHTML(w io.Writer, d *report.Document) error {
	return writePage(w, d, false)
}

// LivePage writes a document as a page of a server, from which it brings itself up to date. Bundles of
// findings are below bundles/ there.
func LivePage(w io.Writer, d *report.Document) error {
	return printable(func(w io.Writer, d *report.Document) error { return writePage(w, d, true) })(w, d)
}

func writePage(w io.Writer, d *report.Document, live bool) error {
	p, err := pageOf(d, live)
	if err != nil {
		return err
	}
	return pageForm.Execute(w, p)
}

// PolicyOf is what a page may do: run its own script, and load nothing, or only itself again.
func PolicyOf(live bool) string {
	more := ""
	if live {
		more = " connect-src 'self';"
	}
	return fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; img-src data:;%s base-uri 'none'; form-action 'none'",
		hashOf(asset("page.css")), hashOf(asset("page.js")), more)
}

func pageOf(d *report.Document, live bool) (*htmlPage, error) {
	p := &htmlPage{
		Live: live, Policy: PolicyOf(live), Style: template.CSS(asset("page.css")), Script: template.JS(asset("page.js")),
		Schema: d.Schema, Verdict: string(d.Verdict), Again: d.Again,
	}
	if d.Error != "" {
		p.Verdict, p.Head = "failed", d.Error
	}
	p.head(d)
	if err := p.fill(d); err != nil {
		return nil, err
	}
	nameTables(p.Parts)
	for _, f := range fields(d) {
		if f[0] != "again" {
			p.Facts = append(p.Facts, f)
		}
	}
	if d.Seconds > 0 {
		p.Facts = append(p.Facts, [2]string{"took", fmt.Sprintf("%.1f s", d.Seconds)})
	}
	return p, nil
}

// nameTables calls tables as the sections that they stand in.
func nameTables(parts []htmlPart) {
	for i := range parts {
		if one := &parts[i]; one.Table != nil && one.Title != "" {
			one.Table.Name = one.Title
		}
		nameTables(parts[i].Parts)
	}
}

// head says what a reader must see first.
func (p *htmlPage) head(d *report.Document) {
	about := "stress " + verb(d)
	if d.Subject != nil {
		about = subjectText(d.Subject)
	}
	p.Says = append(p.Says, about)
	switch {
	case d.Error != "":
	case d.Verdict == report.Violated:
		p.Head = brokenText(d)
		if said := brokenWords(d); said != "" {
			p.Says = append([]string{said}, p.Says...)
		}
	case d.Verdict == report.Holds && len(d.Verdicts) > 0:
		p.Head = strings.TrimPrefix(conclusion(d), string(report.Holds)+" ")
	case len(d.Verdicts) == 0:
		p.Head = d.Summary
	}
	for _, no := range d.Disagreements {
		p.Says = append(p.Says, no.Text)
	}
	if d.Expect == report.Violated {
		p.Says = append(p.Says, "A violation was expected.")
	}
	if d.Guest != nil {
		p.Says = append(p.Says, "in a virtual machine: "+guestText(d.Guest))
	}
	p.Title = strings.TrimSpace(strings.Join([]string{p.Verdict, p.Head}, " "))
	if p.Title == "" {
		p.Title = about
	}
}

// brokenText names the properties that any engine saw broken, each once.
func brokenText(d *report.Document) string {
	var names []string
	add := func(p protocol.Property) {
		if p != "" && !containsText(names, string(p)) {
			names = append(names, string(p))
		}
	}
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		add(v.Property)
		for _, f := range v.Findings {
			add(f.Property)
		}
	}
	for _, f := range d.Findings {
		add(f.Property)
	}
	for _, s := range d.Sections {
		if r, ok := s.(*report.Replay); ok {
			add(r.Property)
		}
	}
	if len(names) == 0 {
		return d.Summary
	}
	return strings.Join(names, ", ")
}

// brokenWords say what happens where something is violated: a counterexample's words, or a finding's.
func brokenWords(d *report.Document) string {
	for _, v := range slices.Backward(d.Verdicts) {
		if v.Witness != nil {
			return v.Witness.Broken()
		}
	}
	for _, s := range d.Sections {
		if r, ok := s.(*report.Replay); ok {
			return r.Text
		}
	}
	for i := range d.Verdicts {
		if found := d.Verdicts[i].Findings; len(found) > 0 {
			return findingText(&found[0])
		}
	}
	if len(d.Findings) > 0 {
		return findingText(&d.Findings[0])
	}
	return ""
}

// verdictClass is the look of a text that begins with a verdict, or "".
func verdictClass(text string) string {
	word, _, _ := strings.Cut(text, " ")
	word = strings.TrimRight(word, ":,")
	switch {
	case text == string(report.Disagree) || word == "DISAGREE" || word == "failed":
		return "bad"
	case word == string(protocol.Violated) || word == string(report.Differs):
		return "violated"
	case word == string(report.Holds), word == string(protocol.Proved), word == string(protocol.Safe):
		return "good"
	case word == string(protocol.NotObserved):
		return "unseen"
	case word == string(protocol.Vacuous), word == string(protocol.Bounded), word == string(report.NoAnswer):
		return "open"
	case word == string(protocol.Unsupported), word == string(protocol.Skipped), word == string(report.NotForced):
		return "silent"
	}
	return ""
}
