package render

import (
	"io"

	"tailpoke/stress/report"
)

// Format is a form in which a document can be written.
type Format struct {
	Name  string
	Write func(io.Writer, *report.Document) error
	// Failures says that readers of this form are told in it that there is no answer.
	Failures bool
}

// Formats are the forms that there are, the default one first.
func Formats() []Format {
	return []Format{
		{Name: "text", Write: writeText},
		{Name: "json", Write: writeJSON},
		{Name: "ktap", Write: writeKTAP, Failures: true},
		{Name: "junit", Write: writeJUnit, Failures: true},
	}
}
