package main

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
)

// printJSON writes one object.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // witnesses hold states such as "D>C"
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printText writes a text at once, so that a result is there or is not.
func printText(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

// grouped writes a number with its thousands set apart.
func grouped(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// counted writes a number of things.
func counted(n uint64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return grouped(n) + " " + thing
}
