package source

import (
	"fmt"
	"path"
	"strings"
)

// A Place is where a line of source code stands. The zero value is nowhere.
type Place struct {
	File   string `json:"file"` // as the compiler has noted it: often with its folders
	Number int    `json:"line"`
}

// A Line is a line of source code. The zero value is none.
type Line struct {
	Place
	Text string `json:"text,omitempty"`
	// After and Before are of code from another place than its function, which is how inlined code
	// looks: the nearest of the function's own lines whose code stands before it and behind it.
	After  Place `json:"after,omitzero"`
	Before Place `json:"before,omitzero"` // see After
}

// Bounds of what is kept, in characters.
const (
	mostFile = 255
	mostName = 40 // of a file without its folders
	mostText = 80
)

// Of is the line that the source of an instruction names: a *btf.Line, of which no more is to be
// known here. Anything else is none.
func Of(s fmt.Stringer) Line {
	l, ok := s.(interface {
		FileName() string
		Line() string
		LineNumber() uint32
	})
	if !ok || l.FileName() == "" || l.LineNumber() == 0 {
		return Line{}
	}
	file := l.FileName()
	at := Place{oneLine(file[max(0, len(file)-mostFile):], mostFile), int(l.LineNumber())}
	return Line{Place: at, Text: oneLine(l.Line(), mostText)}
}

// Known reports whether it is anywhere.
func (p Place) Known() bool { return p != Place{} }

// String is the file, without its folders, and the line: "prog.c:41"; "" of nowhere.
func (p Place) String() string {
	if !p.Known() {
		return ""
	}
	return fmt.Sprintf("%s:%d", oneLine(path.Base(p.File), mostName), p.Number)
}

// Short is the line without its text, and what lies around it: "helpers.h:9 between prog.c:40 and prog.c:43".
func (l Line) Short() string {
	switch {
	case l.After.Known() && l.Before.Known():
		return fmt.Sprintf("%v between %v and %v", l.Place, l.After, l.Before)
	case l.After.Known():
		return fmt.Sprintf("%v after %v", l.Place, l.After)
	}
	return l.Place.String()
}

// String is the line with its text: "prog.c:41: return 0;".
func (l Line) String() string {
	if l.Text == "" {
		return l.Short()
	}
	return l.Short() + ": " + l.Text
}

// Behind puts the line in parentheses behind what it is about.
func (l Line) Behind(text string) string {
	if !l.Known() {
		return text
	}
	return fmt.Sprintf("%s (%v)", text, l)
}

// oneLine is a text without its line feeds, cut short. Little of a huge one is looked at.
func oneLine(text string, most int) string {
	const bytes = 4 // of a character, at most
	runes := []rune(strings.Join(strings.Fields(text[:min(len(text), 2*bytes*most)]), " "))
	if len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return string(runes)
}
