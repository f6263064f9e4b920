package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

// format is the form in which a document is printed, as an index of [render.Formats].
type format int

func formatNames() []string {
	var out []string
	for _, f := range render.Formats() {
		out = append(out, f.Name)
	}
	return out
}

// htmlForm is the form of pages.
func htmlForm() format { return format(slices.Index(formatNames(), "html")) }

func (f format) to() render.Format { return render.Formats()[f] }

func (f format) write(w io.Writer, d *report.Document, page render.Page) error {
	return f.to().Write(w, d, page)
}

func (f *format) String() string { return f.to().Name }
func (f *format) Type() string   { return "format" }

func (f *format) Set(text string) error {
	i := slices.Index(formatNames(), text)
	if i < 0 {
		return fmt.Errorf("want %s", strings.Join(formatNames(), ", "))
	}
	*f = format(i)
	return nil
}
