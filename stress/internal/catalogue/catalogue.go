package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Kinds lists what [Items] knows.
func Kinds() []string {
	return []string{"protocols", "methods", "graces", "layouts", "mutants", "engines", "properties"}
}

// Items lists the items of a kind in their own order; nil for a kind that is none.
func Items(kind string) []report.Item {
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
	case "engines":
		for _, e := range []protocol.Engine{protocol.Model, protocol.Machine, protocol.CPU, protocol.Kernel} {
			add(string(e), engineTexts[e])
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

var engineTexts = map[protocol.Engine]string{
	protocol.Model:   "the abstract states, every interleaving, any weak fetch: proved, violated or bounded",
	protocol.Machine: "the image's own bytes on simulated CPUs, every interleaving and weak fetch: safe within bounds, violated or bounded",
	protocol.CPU:     "the image's own bytes on this machine's CPUs, patched live: not-observed, violated or vacuous",
	protocol.Kernel:  "programs in the running kernel, their prog arrays changed live, its text watched: not-observed, violated or vacuous",
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
	}
}
