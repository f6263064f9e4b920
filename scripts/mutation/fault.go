package main

import (
	"fmt"
	"slices"
	"strings"
)

// A fault is one small edit of a source file.
type fault struct {
	file string // from the root of the module, with slashes
	line int
	col  int
	in   string // the function, "" outside of any
	kind string
	span // of the file, becomes text
	text string

	whole span // of what a gate replaces, see gate; empty if there is none
}

// A span is the bytes [from, to) of a file.
type span struct{ from, to int }

func (s span) of(src []byte) string { return string(src[s.from:s.to]) }

func (f fault) id() string { return fmt.Sprintf("%s:%d:%d:%s", f.file, f.line, f.col, f.kind) }

// apply returns the source with the fault in it.
func (f fault) apply(src []byte) []byte {
	return slices.Concat(src[:f.from], []byte(f.text), src[f.to:])
}

// diff returns the lines that the fault changes, as they were and as they are.
func (f fault) diff(src []byte) (was, is string) {
	start := strings.LastIndexByte(string(src[:f.from]), '\n') + 1
	end := len(src)
	if n := strings.IndexByte(string(src[f.to:]), '\n'); n >= 0 {
		end = f.to + n
	}
	changed := slices.Concat(src[start:f.from], []byte(f.text), src[f.to:end])
	return squeeze(string(src[start:end])), squeeze(string(changed))
}

// squeeze puts a text on one line, without comments at its end.
func squeeze(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, " // ")
		if code = strings.TrimSpace(code); code != "" && !strings.HasPrefix(code, "//") {
			out = append(out, code)
		}
	}
	return strings.Join(out, " ")
}
