package workload

import (
	"strings"

	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
)

// Lines are the source lines of the entry's direct sites of a key, in the order of its code.
func (w *Workload) Lines(k protocol.Key) (lines []source.Line) {
	for _, c := range w.Entry.TailCalls {
		if c.Const && keyOf(c) == k {
			lines = append(lines, w.Entry.Line(c.Insn))
		}
	}
	return lines
}

// Dealt are the source lines of the direct sites of the entry's image, for the model: it deals so many
// keys out to sites in turn. Where the entry's sites have others, nobody knows which site is which.
func (w *Workload) Dealt(keys int) (lines []source.Line) {
	for _, c := range w.Entry.TailCalls {
		if !w.pokes(c) {
			continue
		}
		if k := len(lines) % keys; k >= len(w.Keys) || keyOf(c) != w.Keys[k] {
			return nil
		}
		lines = append(lines, w.Entry.Line(c.Insn))
	}
	return lines
}

// mostNamed is how many lines of tail calls are named at most.
const mostNamed = 4

// CalledAt names the lines of the entry's tail calls after a word: " at prog.c:41, prog.c:52"; "" if
// nobody knows any.
func (w *Workload) CalledAt(after string) string {
	var at []string
	for _, c := range w.Entry.TailCalls {
		if place := w.Entry.Line(c.Insn).Short(); place != "" {
			at = append(at, place)
		}
	}
	switch {
	case len(at) == 0:
		return ""
	case len(at) > mostNamed:
		at = append(at[:mostNamed], "...")
	}
	return after + strings.Join(at, ", ")
}
