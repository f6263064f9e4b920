package soak

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"

	"tailpoke/stress/report"
)

// figures are what differs between two findings of one fault: values, registers that have some, numbers
// of programs. A distance from the beginning of a program is a place, and stays.
var figures = regexp.MustCompile(`\+0x[0-9a-f]+| ?[a-z0-9]+=0x[0-9a-f]+|0x[0-9a-f]+|[0-9]+`)

// Key names what a finding is of: two with the same key count as one. That is the engine, the property,
// the place, and what was seen without its figures.
func Key(f *report.Finding) string {
	site := -1
	if f.Place.Site != nil {
		site = *f.Place.Site
	}
	text := fmt.Sprintf("%s %s %s %s %s %s %d %s %s", f.Engine, f.Kind, f.Property, f.Class, f.Place.Who, f.Place.Program, site,
		f.Place.Slot, figures.ReplaceAllStringFunc(f.Text, without))
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16]
}

// without is what stands in the place of a figure.
func without(figure string) string {
	switch {
	case strings.HasPrefix(figure, "+"):
		return figure
	case strings.Contains(figure, "="):
		return ""
	}
	return "#"
}
