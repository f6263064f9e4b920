package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// mutants is the view of the zoo: a row for each mutant, and on the last line whether all got what
// they must get.
type mutants struct{ *report.Mutants }

// mutantColumns are the table of mutants. Each engine has one.
func mutantColumns(engines []protocol.Engine) []column[*report.Mutant] {
	out := []column[*report.Mutant]{
		{"mutant", func(m *report.Mutant) string { return m.Name }},
		{"breaks", func(m *report.Mutant) string { return cmp.Or(string(m.Property), "nothing") }},
	}
	for _, e := range engines {
		out = append(out, column[*report.Mutant]{string(e), func(m *report.Mutant) string { return foundBy(m, e) }})
	}
	return append(out,
		column[*report.Mutant]{"first finding", detection},
		column[*report.Mutant]{"", agreement})
}

func (m mutants) parts(*report.Document) []part {
	agree := 0
	var all []*report.Mutant
	for i := range m.Mutants.Mutants {
		all = append(all, &m.Mutants.Mutants[i])
		if all[i].Agree {
			agree++
		}
	}
	return append([]part{{block: tableOf(mutantColumns(m.Engines), all)}},
		text(0, fmt.Sprintf("%d of %d mutants agree", agree, len(all)))...)
}

func (m mutants) cases(*report.Document) []testCase {
	var out []testCase
	for i := range m.Mutants.Mutants {
		one := &m.Mutants.Mutants[i]
		c := testCase{name: one.Name, result: passedIf(one.Agree), seen: []string{answers(m.Engines, one)}}
		for _, e := range slices.Sorted(maps.Keys(one.Seconds)) {
			c.seconds += one.Seconds[e]
		}
		if !one.Agree {
			c.why, c.detail = "not what each engine must find", witnessLines(one.Witness)
		}
		out = append(out, c)
	}
	return out
}

// MutantLine says what became of one mutant, once it was judged.
func MutantLine(engines []protocol.Engine, m *report.Mutant) string {
	return m.Name + ": " + answers(engines, m)
}

// answers is the row of a mutant after its name and what it breaks.
func answers(engines []protocol.Engine, m *report.Mutant) string {
	return oneLine(strings.Join(cellsOf(mutantColumns(engines), m)[2:], " "))
}

// foundBy is the verdict of an engine, with what it must be where it is another, and with the
// property that was seen broken where that is another.
func foundBy(m *report.Mutant, e protocol.Engine) string {
	v, asked := m.Found[e]
	if !asked {
		return "-"
	}
	text := string(v)
	if p := m.Broke[e]; p != "" && p != m.Property {
		text += " (" + string(p) + ")"
	}
	if want := m.Expect[e]; v != want {
		text += fmt.Sprintf(" (want %s)", want)
	}
	return text
}

// detection is the median time to the first finding of the cpu engine.
func detection(m *report.Mutant) string {
	n := len(m.Detections)
	if n == 0 {
		return "-"
	}
	text := fmt.Sprintf("%.3f s", (m.Detections[(n-1)/2]+m.Detections[n/2])/2)
	if n+m.Missed > 1 {
		text += fmt.Sprintf(" (%d of %d)", n, n+m.Missed)
	}
	return text
}

func agreement(m *report.Mutant) string {
	if m.Agree {
		return "agree"
	}
	return "DISAGREE"
}
