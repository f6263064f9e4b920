package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed equivalent.txt
var equivalentText string

// An argument says why one fault changes nothing.
type argument struct {
	file, in, was, is string
	why               string
}

type arguments []argument

// parseArguments reads blocks of: a file and a function in it, "- " and a line as it is, "+ "
// and the line with the fault in it, and the argument. Empty lines part blocks; # begins a comment.
func parseArguments(text string) (arguments, error) {
	var out arguments
	for block := range strings.SplitSeq(text, "\n\n") {
		var a argument
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
			case a.file == "":
				a.file, a.in, _ = strings.Cut(line, " ")
			case a.was == "" && strings.HasPrefix(line, "- "):
				a.was = line[2:]
			case a.is == "" && strings.HasPrefix(line, "+"):
				a.is = strings.TrimSpace(line[1:])
			default:
				a.why = strings.TrimSpace(a.why + " " + line)
			}
		}
		switch {
		case a == argument{}:
		case a.was == "" || a.why == "":
			return nil, fmt.Errorf("equivalent.txt: %s: want a line with -, one with +, and an argument", a.file)
		default:
			out = append(out, a)
		}
	}
	return out, nil
}

// of returns the argument for a fault; "" if there is none.
func (all arguments) of(f fault, src []byte) string {
	for _, a := range all {
		if a.file != f.file || a.in != f.in {
			continue
		}
		if was, is := f.diff(src); was == a.was && is == a.is {
			return a.why
		}
	}
	return ""
}
