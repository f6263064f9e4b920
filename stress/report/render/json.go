package render

import (
	"encoding/json"
	"io"

	"tailpoke/stress/report"
)

// writeJSON writes one object.
func writeJSON(w io.Writer, d *report.Document) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // witnesses hold states such as "D>C"
	e.SetIndent("", "  ")
	return e.Encode(d)
}
