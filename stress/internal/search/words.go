package search

import (
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
)

// A letter is one step of a word: a step outside each, or one inside.
type letter struct {
	step   protocol.Step
	inEach bool
	joins  bool // it stands in the same each as the letter before it
}

// lettersOf is the alphabet of an operation: every step that its grammar knows. Of
// words that behave alike the first one stands for all, so the order is the one in
// which people would write.
func lettersOf(op protocol.OpKind) []letter {
	out := []letter{{step: protocol.Step{Kind: protocol.Publish}}}
	for _, s := range append(pokes(op), protocol.Step{Kind: protocol.Wait}) {
		out = append(out, letter{step: s, inEach: true, joins: true}, letter{step: s, inEach: true})
	}
	out = append(out, letter{step: protocol.Step{Kind: protocol.Wait}})
	if op.Replaces() {
		out = append(out,
			letter{step: protocol.Step{Kind: protocol.Retire}}, letter{step: protocol.Step{Kind: protocol.Free}})
	}
	return out
}

// pokes are those that an operation may make of a site: jumps in the order of the slots, and then
// back.
func pokes(op protocol.OpKind) []protocol.Step {
	var out, back []protocol.Step
	for slot, kind := range site.Slots {
		for c, in := range kind.May {
			s := protocol.Step{Kind: protocol.Poke, Slot: protocol.Slot(slot), To: protocol.Content(c)}
			switch {
			case in.Leads == protocol.ToNext:
				back = append(back, s)
			case in.Leads == protocol.ToOut || op.Gives(): // else there is no program to jump to
				out = append(out, s)
			}
		}
	}
	slices.Reverse(back)
	return append(out, back...)
}

// words calls yield with every word of 1 to most letters, short ones first, until it
// returns false. The word is yield's for the call alone. No two have the same text:
// a letter joins the each before it where there is one, or begins its own.
func words(op protocol.OpKind, most int, yield func([]letter) bool) {
	alphabet := lettersOf(op)
	word := make([]letter, 0, most)
	var grow func(length int) bool
	grow = func(length int) bool {
		if len(word) == length {
			return yield(word)
		}
		for _, l := range alphabet {
			if l.joins && (len(word) == 0 || !word[len(word)-1].inEach) {
				continue
			}
			word = append(word, l)
			goOn := grow(length)
			word = word[:len(word)-1]
			if !goOn {
				return false
			}
		}
		return true
	}
	for length := 1; length <= most && grow(length); length++ {
	}
}

// stepsOf returns the word as steps of a protocol.
func stepsOf(word []letter) []protocol.Step {
	var out []protocol.Step
	for _, l := range word {
		switch last := len(out) - 1; {
		case !l.inEach:
			out = append(out, l.step)
		case l.joins:
			out[last].Body = append(out[last].Body, l.step)
		default:
			out = append(out, protocol.Step{Kind: protocol.Each, Body: []protocol.Step{l.step}})
		}
	}
	return out
}

// countOf counts the letters of some kinds.
func countOf(word []letter, kinds ...protocol.StepKind) int {
	n := 0
	for _, l := range word {
		if slices.Contains(kinds, l.step.Kind) {
			n++
		}
	}
	return n
}

// without returns the word less its i-th letter.
func without(word []letter, i int) []letter {
	out := slices.Concat(word[:i], word[i+1:])
	if i < len(out) && out[i].joins && !word[i].joins {
		// The each that began with the letter begins with the next one.
		out[i].joins = false
	}
	return out
}

// stepsText writes steps as the grammar does.
func stepsText(steps []protocol.Step) string {
	parts := make([]string, len(steps))
	for i, s := range steps {
		parts[i] = s.String()
	}
	return strings.Join(parts, "; ")
}
