package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// verdicts are what engines say, with what can be done about it.
func verdicts() []report.Item {
	item := func(v protocol.Verdict, text string) report.Item { return report.Item{Name: string(v), Text: text} }
	return []report.Item{
		item(protocol.Proved, "no execution of these sites, keys and programs breaks a property that the model judges, with any number of threads and operations"),
		item(protocol.Safe, "no execution within the bounds that the row states breaks a property that the engine judges"),
		item(protocol.Violated, "an execution breaks the named property; the row has a witness, or what live engines saw"),
		item(protocol.NotObserved, "nothing was seen; the row bounds how often it could happen. It is never called safe"),
		item(protocol.Vacuous, "too little was tested: nothing overlapped an operation, or one never happened, or fewer than 30 cycles or tail calls were counted (`--min-cycles`), or there is no site that a poke changes, or no caller"),
		item(protocol.Bounded, "a bound was hit before an answer: on states, on time, on memory, on the paths of the program; or a violation may be the emulator's and not the kernel's"),
		item(protocol.Unsupported, "the engine cannot judge such a subject"),
		item(protocol.Skipped, "the machine lacks what the engine needs, or the process lacks files or memory"),
	}
}

// verdictAdvice is what can be done where a verdict is no answer, or not the one that was hoped for.
var verdictAdvice = map[protocol.Verdict]string{
	protocol.Proved:      "The proof is about abstract states. That machine code does what these say is what the other engines test.",
	protocol.Safe:        "Larger bounds cost states: fewer sites, keys and programs make room for more operations.",
	protocol.Violated:    "Read the witness from its first step; --witness FILE keeps it, and stress replay FILE takes it again, on real CPUs too. A finding of a live engine is found again with the seed of its run, by luck.",
	protocol.NotObserved: "A longer --duration lowers the bound: 95 % of runs with a violation in every N cycles find one in 3 N.",
	protocol.Vacuous:     "Run longer, with real-time priorities (stress doctor), or on more CPUs. A script must call what it wants tested.",
	protocol.Bounded:     "Raise the bound that the row names (--max-states, --max-memory, --budget), or ask about less: fewer --sites, --keys and --programs.",
	protocol.Unsupported: "The row says what the engine lacks. Other engines judge the same subject.",
	protocol.Skipped:     "stress doctor says what is missing, and what it is for.",
}

// states are those of a site, with what a thread does there that goes through both slots as they are.
func states() []report.Item {
	var out []report.Item
	site := protocol.TailCall()
	for _, s := range site.States {
		var holds, does []string
		for slot, content := range s.Contents {
			in := site.Slots[slot].May[content]
			holds = append(holds, site.Slots[slot].Name+"="+in.Name)
			does = append(does, in.Does)
		}
		text := strings.Join(holds, ", ") + ": " + strings.Join(does, ", then ")
		for _, p := range site.Forbidden {
			if slices.Equal(p.Through, s.Contents) {
				text += ". Forbidden: it breaks " + string(p.Breaks)
			}
		}
		out = append(out, report.Item{Name: s.State.String(), Text: text})
	}
	return out
}

// outcomes are what executions on real CPUs come to.
func outcomes() []report.Item {
	return []report.Item{
		{Name: "skip", Text: "it went on in its caller: expected"},
		{Name: "tail", Text: "it ended in a program that a tail call entered: expected"},
		{Name: "crash", Text: "it faulted where no program is, or where no poke had been: forbidden"},
		{Name: "other", Text: "it came to what no class says more of: forbidden"},
		{Name: "unrecorded", Text: "it went wrong, and no record was kept that says how, as of the first few of each thread: forbidden"},
	}
}

// findings are the classes of what goes wrong on real CPUs.
func findings() []report.Item {
	var out []report.Item
	for _, c := range live.Classes() {
		out = append(out, report.Item{Name: string(c), Text: c.Says() + ": it breaks " + string(c.Property())})
	}
	return out
}

// Explain is a page on everything that has a name: what it is, what belongs to it, and what can be
// done. The case of letters does not matter. Errors list names that are near.
func Explain(name string) (string, error) {
	var pages []string
	for _, k := range All().Kinds {
		for _, it := range k.Items {
			if strings.EqualFold(it.Name, name) {
				pages = append(pages, page(k.Kind, it))
			}
		}
	}
	if len(pages) == 0 {
		return "", fmt.Errorf("nothing is called %q%s; stress list prints all names", name, near(name))
	}
	return strings.Join(pages, "\n"), nil
}

// page is that of one item of a kind.
func page(kind string, it report.Item) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n\n", it.Name, kind)
	for line := range strings.Lines(it.Text) {
		b.WriteString("  " + strings.TrimRight(line, "\n") + "\n")
	}
	say := func(head string, names []string) {
		if len(names) > 0 {
			fmt.Fprintf(&b, "\n%s\n  %s\n", head, strings.Join(names, " "))
		}
	}
	switch kind {
	case "protocols":
		b.WriteString(zooOn(it.Name))
		fmt.Fprintf(&b, "\nJudge it: stress run --protocol %s\n", it.Name)
	case "verdicts":
		fmt.Fprintf(&b, "\n%s\n", verdictAdvice[protocol.Verdict(it.Name)])
	case "properties":
		p := protocol.Property(it.Name)
		say("Judged by these engines:", judgesOf(p))
		if p == protocol.KernelLives { // of the engines in a kernel none can
			say("Judged by:", []string{"stress", "vm"})
		}
		say("Broken by these mutants:", namesOf(Mutants(),
			func(m protocol.Mutant) bool { return m.Property == p },
			func(m protocol.Mutant) string { return m.Name }))
		say("Findings of live engines that break it:", namesOf(live.Classes(),
			func(c live.Class) bool { return c.Property() == p },
			func(c live.Class) live.Class { return c }))
	case "mutants":
		fmt.Fprintf(&b, "\nJudge it: stress mutants %s\n", it.Name)
	case "methods", "graces", "layouts":
		fmt.Fprintf(&b, "\nJudge it: stress run --%s %s\n", strings.TrimSuffix(kind, "s"), it.Name)
	case "options":
		fmt.Fprintf(&b, "\nJudge it: stress run --layout %s+%s\n", jit.V612.Name, optionExample(it.Name))
	case "cases":
		fmt.Fprintf(&b, "\nCarry it out: stress regression %s\nUnder a mutator: stress run --case %[1]s\n", it.Name)
	case "faults":
		fmt.Fprintf(&b, "\nAsk the running kernel: stress affected %s\n", it.Name)
	case "engines":
		say("Judges these properties:", namesOf(judge.ByName(protocol.Engine(it.Name)).Properties(),
			func(protocol.Property) bool { return true }, func(p protocol.Property) protocol.Property { return p }))
		ask := "stress run"
		if it.Name == string(protocol.Steered) {
			ask = "stress vm --kernel FILE -- run"
		}
		fmt.Fprintf(&b, "\nAsk it alone: %s --engine %s\n", ask, it.Name)
	}
	return b.String()
}

// zooOn is what the zoo says of a protocol that it has under another name; "" if it has none.
func zooOn(name string) string {
	p, err := protocol.ProtocolByName(name)
	if err != nil {
		return ""
	}
	for _, m := range protocol.Zoo() {
		if s, err := m.Apply(protocol.DefaultSubject()); err == nil && s.Method.Same(protocol.DefaultSubject().Method) &&
			s.Grace == protocol.DefaultSubject().Grace && s.Protocol.Same(p) {
			return fmt.Sprintf("\nIt is the mutant %s, which %s\n", m.Name, strings.ReplaceAll(whyText(m), "\n", ",\n"))
		}
	}
	return ""
}

func optionExample(name string) string {
	for _, o := range jit.LayoutOptions() {
		if o.Name == name {
			return o.Example()
		}
	}
	return name
}

func judgesOf(p protocol.Property) []string {
	judges := func(e judge.Engine) bool { return slices.Contains(e.Properties(), p) }
	return namesOf(judge.Engines(), judges, judge.Engine.Name)
}

// namesOf lists those that there is something to say of.
func namesOf[T any, N ~string](all []T, is func(T) bool, name func(T) N) (out []string) {
	for _, v := range all {
		if is(v) {
			out = append(out, string(name(v)))
		}
	}
	return out
}

// near lists names that begin alike, or hold the name.
func near(name string) string {
	var out []string
	for _, k := range All().Kinds {
		for _, it := range k.Items {
			holds := len(name) > 2 && strings.Contains(strings.ToLower(it.Name), strings.ToLower(name))
			alike := len(name) > 3 && strings.HasPrefix(it.Name, strings.ToLower(name[:3]))
			if (holds || alike) && len(out) < 8 && !slices.Contains(out, it.Name) {
				out = append(out, it.Name)
			}
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "; near are " + strings.Join(out, ", ")
}
