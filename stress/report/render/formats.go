package render

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"tailpoke/stress/report"
)

// Format is a form in which a document can be written.
type Format struct {
	Name  string
	Write func(io.Writer, *report.Document, Page) error // the page is of a text's concern alone
	// Failures says that the form itself tells its readers why there is no answer.
	Failures bool
}

// Formats are the forms that there are, the default one first.
func Formats() []Format {
	return []Format{
		{Name: "text", Write: writeText},
		{Name: "json", Write: anyPage(writeJSON)},
		{Name: "ktap", Write: anyPage(printable(writeKTAP)), Failures: true},
		{Name: "junit", Write: anyPage(writeJUnit), Failures: true},
		{Name: "html", Write: anyPage(printable(writeHTML)), Failures: true},
	}
}

func anyPage(write func(io.Writer, *report.Document) error) func(io.Writer, *report.Document, Page) error {
	return func(w io.Writer, d *report.Document, _ Page) error { return write(w, d) }
}

// printable has a form written in characters that can be printed: what a file or a flag names must not
// move a terminal's cursor.
func printable(write func(io.Writer, *report.Document) error) func(io.Writer, *report.Document) error {
	return func(w io.Writer, d *report.Document) error {
		var b bytes.Buffer
		if err := write(&b, d); err != nil {
			return err
		}
		_, err := io.WriteString(w, Printable(b.String()))
		return err
	}
}

// Printable writes what is no printable character as a Go string has it, but for line feeds.
func Printable(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(text[0]), 16))
		case r == '\n' || strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		text = text[n:]
	}
	return b.String()
}
