package soak

import (
	"crypto/sha256"
	"fmt"
	"regexp"

	"tailpoke/stress/report"
)

// figures are what differs between two findings of one fault: addresses, values, names of threads.
var figures = regexp.MustCompile(`0x[0-9a-f]+|[0-9]+`)

// Key names what a finding is of: two with the same key count as one. That is the engine, the property,
// the place, and what was seen without its figures.
func Key(f *report.Finding) string {
	site := -1
	if f.Place.Site != nil {
		site = *f.Place.Site
	}
	text := fmt.Sprintf("%s %s %s %s %s %s %d %s %s", f.Engine, f.Kind, f.Property, f.Class, f.Place.Who, f.Place.Program, site,
		f.Place.Slot, figures.ReplaceAllString(f.Text, "#"))
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16]
}
