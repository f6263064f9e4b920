package matrix

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Plan is what is run: every verb on every kernel.
type Plan struct {
	Kernels []Line
	Verbs   []Line
}

// A Line is a kernel or a verb.
type Line struct {
	Name  string   // unique among its kind
	Words []string // a kernel's image and flags for its machine; a verb and its arguments
	At    string   // file and line, for errors
}

// Parse reads a plan. Each line is empty, a comment after #, or one of
//
//	kernel [NAME:] IMAGE [FLAG ...]
//	verb   [NAME:] VERB  [ARGUMENT ...]
//
// A word with blanks stands in double quotes. Without a name a kernel has its image's, and a verb its
// first word. The error names the file and the line.
func Parse(file, text string) (*Plan, error) {
	p := &Plan{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		at := fmt.Sprintf("%s:%d", file, number)
		words, err := split(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		if len(words) == 0 {
			continue
		}
		if err := p.add(words[0], words[1:], at); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
	}
	switch {
	case len(p.Kernels) == 0:
		return nil, fmt.Errorf("%s: no line begins with kernel", file)
	case len(p.Verbs) == 0:
		return nil, fmt.Errorf("%s: no line begins with verb", file)
	}
	return p, nil
}

// add adds one line.
func (p *Plan) add(kind string, words []string, at string) error {
	to := &p.Kernels
	switch kind {
	case "kernel":
	case "verb":
		to = &p.Verbs
	default:
		return fmt.Errorf("%q: a line begins with kernel or verb", kind)
	}
	l := Line{Words: words, At: at}
	if len(words) > 0 && strings.HasSuffix(words[0], ":") {
		l.Name, l.Words = strings.TrimSuffix(words[0], ":"), words[1:]
	}
	if len(l.Words) == 0 {
		return fmt.Errorf("%s of nothing", kind)
	}
	if l.Name == "" {
		l.Name = l.Words[0]
	}
	if slices.ContainsFunc(*to, func(o Line) bool { return o.Name == l.Name }) {
		return fmt.Errorf("a second %s %q: give it another name, %s NAME: %s", kind, l.Name, kind, strings.Join(l.Words, " "))
	}
	*to = append(*to, l)
	return nil
}

// split splits a line into its words.
func split(line string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(strings.ReplaceAll(line, "\t", " ")))
	r.Comma, r.Comment, r.TrimLeadingSpace = ' ', '#', true
	words, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		bad := new(csv.ParseError)
		if errors.As(err, &bad) {
			return nil, fmt.Errorf("column %d: %w", bad.Column, bad.Err)
		}
		return nil, err
	}
	words = slices.DeleteFunc(words, func(w string) bool { return strings.TrimSpace(w) == "" })
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "#") }); i >= 0 {
		words = words[:i]
	}
	return words, nil
}
