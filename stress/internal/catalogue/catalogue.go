package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/report"
)

// All is the catalogue: each kind, with its items in their own order.
func All() *report.Catalogue {
	c := &report.Catalogue{}
	for _, kind := range []string{"protocols", "methods", "graces", "layouts", "mutants", "cases", "engines", "properties"} {
		c.Kinds = append(c.Kinds, report.Kind{Kind: kind, Items: items(kind)})
	}
	return c
}

func items(kind string) []report.Item {
	var out []report.Item
	add := func(name, text string) { out = append(out, report.Item{Name: name, Text: strings.TrimSpace(text)}) }
	switch kind {
	case "protocols":
		for _, p := range protocol.Protocols() {
			add(p.Name, p.String())
		}
	case "methods":
		for _, m := range protocol.Methods() {
			add(m.Name, m.String())
		}
	case "graces":
		for _, g := range protocol.Graces() {
			add(g.Name, graceTexts[g.Kind])
		}
	case "layouts":
		for _, l := range jit.Layouts() {
			add(l.Name, layoutText(l))
		}
	case "mutants":
		for _, m := range Mutants() {
			add(m.Name, mutantText(m))
		}
	case "cases":
		for _, c := range regress.Cases() {
			add(c.Name, "follows "+c.Origin)
		}
	case "engines":
		for _, e := range judge.Engines() {
			add(string(e.Name()), e.About())
		}
	case "properties":
		return properties()
	}
	return out
}

var graceTexts = map[protocol.GraceKind]string{
	protocol.GraceEpoch:  "waits for every reader that was inside when the wait began",
	protocol.GraceForget: "the same, but one reader is forgotten",
	protocol.GraceSleep:  "waits for a fixed time, whoever is inside",
}

func layoutText(l *jit.Layout) string {
	return fmt.Sprintf("tail calls enter at +%d, at most %d of them", l.AdjOff, l.Counter.Limit)
}

// Mutants are all of the zoo: those of the default subject, which every engine judges; those of
// pokes and orders that a CPU shows by luck alone; those that only a model of more than a CPU runs
// shows; and those of layouts.
func Mutants() []protocol.Mutant {
	return slices.Concat(protocol.Zoo(), protocol.PokeZoo(), protocol.ModelZoo(), protocol.LayoutZoo())
}

func mutantText(m protocol.Mutant) string {
	edits := make([]string, len(m.Edits))
	for i, e := range m.Edits {
		edits[i] = e.String()
	}
	breaks := "is safe"
	if !m.Safe() {
		breaks = "breaks " + string(m.Property)
	}
	return fmt.Sprintf("%s\n%s: %s\nfrom %s", strings.Join(edits, "\n"), breaks, m.Why, m.Origin)
}

func properties() []report.Item {
	return []report.Item{
		{Name: string(protocol.NeverA), Text: protocol.TailCall().Forbidden[0].Says},
		{Name: string(protocol.Registers), Text: "callee-saved registers and the stack pointer on return are the caller's"},
		{Name: string(protocol.NoTorn), Text: "no thread executes bytes that were never a whole instruction"},
		{Name: string(protocol.NoUseAfterFree), Text: "no thread executes in a program that has been freed"},
		{Name: string(protocol.NoMiss), Text: "an execution that overlaps no interval from a remove's call to the next install's return does not fall through"},
		{Name: string(protocol.Fresh), Text: "an execution runs only a program that the key held, or was being given, at some moment of it"},
		{Name: string(protocol.Progress), Text: "every operation ends, given that every thread gets to run"},
		{Name: string(protocol.ExpectedBytes), Text: "every poke finds the bytes that it expects"},
		{Name: string(protocol.NoDoubleFree), Text: "an operation frees or retires what it replaces no more than once"},
		{Name: string(protocol.NoEarlyFree), Text: "it does so only when the map's pointer names that no more"},
		{Name: string(protocol.NoLeak), Text: "when it returns, what it replaced and no key holds is freed or retired"},
		{Name: string(protocol.TailLimit), Text: "at most 33 tail calls in one execution, those of its callees included"},
		{Name: string(protocol.Conformance), Text: "a recorded trace is a behaviour of the model"},
	}
}
