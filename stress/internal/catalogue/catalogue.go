package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/affected"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/report"
)

// All is the catalogue: each kind, with its items in their own order.
func All() *report.Catalogue {
	return &report.Catalogue{Kinds: []report.Kind{
		kind("protocols", protocol.AllProtocols(), func(p protocol.Protocol) (name, text string) {
			return p.Name, p.String()
		}),
		kind("methods", protocol.Methods(), func(m protocol.Method) (name, text string) {
			return m.Name, m.String()
		}),
		kind("graces", protocol.Graces(), func(g protocol.Grace) (name, text string) {
			return g.Name, graceTexts[g.Kind]
		}),
		{Kind: "layouts", Items: layouts()},
		kind("options", jit.LayoutOptions(), func(o jit.Option) (name, text string) {
			return o.Name, "of a layout: " + o.Says
		}),
		kind("mutants", Mutants(), func(m protocol.Mutant) (name, text string) {
			return m.Name, mutantText(m)
		}),
		kind("cases", regress.Cases(), func(c regress.Case) (name, text string) {
			return c.Name, "follows " + c.Origin
		}),
		kind("faults", affected.Faults(), func(f affected.Fault) (name, text string) {
			return f.Name, f.Text()
		}),
		kind("engines", judge.Engines(), func(e judge.Engine) (name, text string) {
			return string(e.Name()), e.About()
		}),
		{Kind: "properties", Items: properties()},
		{Kind: "verdicts", Items: verdicts()},
		{Kind: "states", Items: states()},
		{Kind: "outcomes", Items: outcomes()},
		{Kind: "findings", Items: findings()},
		{Kind: "steps", Items: steps()},
		{Kind: "replays", Items: replays()},
	}}
}

// layouts are the eras, and what stands for the running kernel's.
func layouts() (items []report.Item) {
	for _, l := range jit.Layouts() {
		items = append(items, report.Item{Name: l.Name,
			Text: fmt.Sprintf("tail calls enter at +%d, at most %d of them", l.AdjOff, l.Counter.Limit)})
	}
	aliases := jit.LayoutAliases()
	for _, name := range slices.Sorted(maps.Keys(aliases)) {
		items = append(items, report.Item{Name: name, Text: "the same as " + aliases[name].Name})
	}
	return append(items, report.Item{Name: identity.Running,
		Text: "what the running kernel emits, found out by tiny programs; stress doctor prints its name, " +
			"and what stands for code that names addresses of the kernel"})
}

func kind[T any](name string, all []T, say func(T) (name, text string)) report.Kind {
	k := report.Kind{Kind: name}
	for _, v := range all {
		name, text := say(v)
		k.Items = append(k.Items, report.Item{Name: name, Text: strings.TrimSpace(text)})
	}
	return k
}

var graceTexts = map[protocol.GraceKind]string{
	protocol.GraceEpoch:  "waits for every reader that was inside when the wait began",
	protocol.GraceForget: "waits for every reader that was inside when the wait began but one, which is forgotten",
	protocol.GraceSleep:  "waits for a fixed time, whoever is inside",
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
	return strings.Join(edits, "\n") + "\n" + whyText(m)
}

// whyText says what comes of a mutant, and where it is from.
func whyText(m protocol.Mutant) string {
	breaks := "is safe"
	if !m.Safe() {
		breaks = "breaks " + string(m.Property)
	}
	return fmt.Sprintf("%s: %s\nfrom %s", breaks, m.Why, m.Origin)
}

func properties() (items []report.Item) {
	for _, p := range protocol.Properties() {
		items = append(items, report.Item{Name: string(p), Text: propertyTexts[p]})
	}
	return items
}

var propertyTexts = map[protocol.Property]string{
	protocol.NeverA:         protocol.TailCall().Forbidden[0].Says,
	protocol.Registers:      "callee-saved registers and the stack pointer on return are the caller's",
	protocol.NoTorn:         "no thread executes bytes that were never a whole instruction",
	protocol.NoUseAfterFree: "no thread executes in a program that has been freed",
	protocol.NoMiss:         "an execution that overlaps no interval from a remove's call to the next install's return does not fall through",
	protocol.Fresh:          "an execution runs only a program that the key held, or was being given, at some moment of it",
	protocol.Progress:       "every operation ends, given that every thread gets to run",
	protocol.ExpectedBytes:  "every poke finds the bytes that it expects",
	protocol.NoDoubleFree:   "an operation frees or retires what it replaces no more than once",
	protocol.NoEarlyFree:    "it does so only when the map's pointer names that no more",
	protocol.NoLeak:         "when it returns, what it replaced and no key holds is freed or retired",
	protocol.TailLimit:      "at most 33 tail calls in one execution, those of its callees included",
	protocol.Conformance:    "a recorded trace is a behaviour of the model",
	protocol.KernelLives:    "no oops, BUG, stall or hang of the kernel that is asked, in a virtual machine",
}
