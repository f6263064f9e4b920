package protocol

import "strings"

// SingleEdits lists the mechanical edits of a subject. They leave out or double a step of an
// operation, or exchange it with another one of its list; they leave out a step of the poke
// method, or exchange it with the next one. Edits are left out whose result does not parse, is
// the same as before, or is the same as that of an earlier edit.
func SingleEdits(s Subject) []Edit {
	var out []Edit
	seen := map[string]bool{s.Protocol.String() + s.Method.String(): true}
	for _, e := range append(operationEdits(s.Protocol), methodEdits(s.Method)...) {
		edited, err := e.Apply(s)
		if err != nil {
			continue
		}
		if text := edited.Protocol.String() + edited.Method.String(); !seen[text] {
			seen[text] = true
			out = append(out, e)
		}
	}
	return out
}

func operationEdits(p Protocol) []Edit {
	var out []Edit
	for op := range OpKinds {
		for _, list := range lists(p.Ops[op]) {
			for i, a := range list {
				out = append(out, Edit{Of: Of(op), Do: Drop, Step: a}, Edit{Of: Of(op), Do: Double, Step: a})
				for _, b := range list[i+1:] {
					out = append(out, Edit{Of: Of(op), Do: Swap, Step: a, With: b})
				}
			}
		}
	}
	return out
}

// lists returns the texts of the steps of an operation, then those of each of its blocks.
func lists(steps []Step) [][]string {
	var own []string
	var inner [][]string
	for _, s := range steps {
		own = append(own, s.String())
		if s.Kind == Each {
			inner = append(inner, lists(s.Body)...)
		}
	}
	return append([][]string{own}, inner...)
}

func methodEdits(m Method) []Edit {
	var out []Edit
	rewrite := func(steps []MicroStep) {
		words := make([]string, len(steps))
		for i, k := range steps {
			words[i] = k.String()
		}
		out = append(out, Edit{Of: OfMethod, Do: Rewrite, With: strings.Join(words, "; ")})
	}
	for i := range m.Steps {
		without := m.Clone().Steps
		rewrite(append(without[:i], without[i+1:]...))
		if i > 0 {
			swapped := m.Clone().Steps
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			rewrite(swapped)
		}
	}
	return out
}
