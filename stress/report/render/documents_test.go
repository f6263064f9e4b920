package render

import (
	"strings"
	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/report"
	"testing"
	"unicode"
)

func subject() *report.Subject {
	return &report.Subject{
		Protocol: "kernel", Method: "int3", Grace: "epoch", Layout: "v5.10", Threads: 16, Sites: 1, Programs: 2, Keys: 1,
		Object: "prog.o", Entry: "main",
	}
}

// stamped puts on a document what is the same in all of them.
func stamped(d *report.Document, again string) *report.Document {
	d.Tool = report.Tool{Module: "tailpoke", Version: "v1.2.3", Revision: "0123abcd", Time: "2026-01-02T03:04:05Z", Go: "go1.26.0"}
	d.Machine = report.Machine{Platform: "linux/amd64", CPU: "a <fast> processor", CPUs: 2, Kernel: "6.18.44"}
	d.Again, d.Seconds, d.Summary = again, 12.5, Summary(d)
	return d
}

// judged is a document with an engine's every verdict.
func judged(verdict report.Overall, verdicts ...report.Verdict) *report.Document {
	return stamped(&report.Document{
		Schema: "stress/verdict/2", Subject: subject(), Seed: "0x2a", Verdicts: verdicts, Verdict: verdict,
	}, "stress run --seed 0x2a")
}

func explored(threads int) *report.ModelCounts {
	return &report.ModelCounts{
		States: 1234567, Transitions: 2345678, Depth: 7,
		Explored: report.ModelShape{Threads: threads, Sites: 1, Programs: 2, Keys: 1},
	}
}

func executed() *report.CPUCounts {
	return &report.CPUCounts{
		Executions: 1000, Installs: 10, Updates: 20, Removes: 1, Cycles: 5, Loads: 3, Overlaps: 900,
		OverlapsBy: report.Overlaps{Install: 300, Update: 300, Remove: 300},
		Outcomes:   report.Outcomes{Skip: 400, Tail: 600},
		Trace:      &report.Trace{Events: 100, Omitted: 40, Consumed: 60, Conforms: true},
		RateMax:    0.001, Confidence: 0.95,
	}
}

func ofKernel() *report.KernelCounts {
	return &report.KernelCounts{
		KernelFacts: report.KernelFacts{
			Release: "6.18.44", Version: "#1", JIT: map[string]string{"bpf_jit_enable": "1"}, GraceMS: 8,
		},
		Callers: 2, Checked: 937, Unchecked: 63, Releases: 8, Frees: 62,
		Windows:    &report.Windows{Sites: 6, Across: 2, Loads: 31},
		Overlapped: map[string]uint64{"install": 5, "update": 20, "remove": 1},
		Latencies: map[string]report.Latency{
			"install": {Count: 10, Median: 293, P99: 7900, Max: 12300}, "update": {Count: 20, Median: 145, P99: 512, Max: 28300},
			"remove": {Count: 1, Median: 29400, P99: 59700, Max: 60000},
		},
		Watch: &report.Watch{
			Sites: 3, Reads: 91333, Slots: []string{"bypass", "target"}, Seen: []report.SlotsCount{
				{Slots: []string{"jump-out", "nop"}, State: "C", Install: 6738, Remove: 335967, Idle: 1034945},
				{Slots: []string{"nop", "int3-jump"}, Update: 45196},
			},
		},
		Phases: []report.Phase{
			{Op: "install", Slots: []string{"jump-out", "nop"}, Seen: 6738}, {Op: "remove", Slots: []string{"int3-nop", "jump"}},
		},
	}
}

func violatedCPU() report.Verdict {
	v := report.Verdict{
		Engine: protocol.CPU, Verdict: protocol.Violated, Property: protocol.NeverA, CPUCounts: executed(), Seconds: 0.25,
		Findings: []report.Finding{
			{
				Engine: protocol.CPU, Property: protocol.NeverA, Class: "a", Text: "lost rbx", Count: 3, AtLeast: true,
				Place: report.Place{Thread: new(2)},
			},
			{
				Engine: protocol.CPU, Property: protocol.ExpectedBytes, Text: "holds 90", Count: 1, During: "remove",
				Place: report.Place{Program: "main", Site: new(1), Slot: "target", Source: aLine(41, "bpf_tail_call(ctx, &jmp, 1);")},
			},
		},
	}
	v.Outcomes.Other, v.Outcomes.Unrecorded = 1, 20
	v.FirstSeconds, v.Outcomes.A, v.Trace.Conforms, v.Trace.Reason = 0.012, 3, false, "line 5: no such step"
	v.PatcherCounts = &report.PatcherCounts{Pokes: 70, Traps: 30, Boosted: false}
	return v
}

func aLine(n int, text string) source.Line {
	return source.Line{Place: source.Place{File: "/src/prog.c", Number: n}, Text: text}
}

// aWitness is one of two steps.
func aWitness() *witness.Witness {
	nop := protocol.SlotText{Head: protocol.HeadNop, Tail: protocol.NopTail}
	out := protocol.SlotText{Head: protocol.HeadJump, Tail: protocol.OutTail}
	view := witness.View{
		Threads: []witness.Position{{Program: witness.None, Off: witness.None}},
		Sites: []witness.SiteView{{
			Slots: []witness.SlotView{{SlotText: out}, {SlotText: nop}}, From: 'C', To: 'A',
		}},
	}
	call := witness.Act(witness.Call)
	call.Op, call.Key, call.Prog = protocol.Install, 0, 0
	return &witness.Witness{
		Property: protocol.NeverA, Text: "falls <through>", Agents: []witness.Actor{{}}, Threads: 1, Programs: []string{"p0"},
		Sites: []witness.Site{{Source: aLine(40, "bpf_tail_call(ctx, &jmp, 0);")}}, Sources: []source.Line{aLine(9, "return <1>;")},
		Start: view, Steps: []witness.Step{
			{Choice: witness.Choice{Action: call}, View: view},
			{Choice: witness.Choice{Actor: witness.Actor{Kind: witness.Thread}, Action: witness.Act(witness.Enter)}, View: view},
		},
	}
}

// documents are one of each kind, by the name of their golden files.
func documents() map[string]*report.Document {
	proved := report.Verdict{Engine: protocol.Model, Verdict: protocol.Proved, Properties: []protocol.Property{protocol.NeverA}, ModelCounts: explored(1), Seconds: 0.1}
	bounds := report.Verdict{Engine: protocol.Machine, Verdict: protocol.Safe, Reason: "2 threads, any 3 operations", ModelCounts: explored(2), Seconds: 0.8}
	unseen := report.Verdict{Engine: protocol.CPU, Verdict: protocol.NotObserved, CPUCounts: executed(), Seconds: 5}
	unseen.PatcherCounts = &report.PatcherCounts{Pokes: 70, Traps: 30, Boosted: true}
	kernel := report.Verdict{Engine: protocol.Kernel, Verdict: protocol.NotObserved, CPUCounts: executed(), Kernel: ofKernel(), Seconds: 5.2}
	vacuous := report.Verdict{Engine: protocol.CPU, Verdict: protocol.Vacuous, Reason: "no installs were carried out", Seconds: 1}
	bounded := report.Verdict{Engine: protocol.Model, Verdict: protocol.Bounded, Reason: "the bound on states was hit after 1", ModelCounts: explored(1)}
	missing := report.Verdict{Engine: protocol.Kernel, Verdict: protocol.Skipped, Reason: "needs CAP_BPF # or root"}
	other := report.Verdict{Engine: protocol.Machine, Verdict: protocol.Unsupported, Reason: "9 keys change"}
	found := report.Verdict{
		Engine: protocol.Model, Verdict: protocol.Violated, Property: protocol.NeverA, ModelCounts: explored(1),
		Witness: aWitness(),
	}
	turned := judged(report.Violated, found, other)
	turned.Expect = report.Violated
	broken := judged("")
	broken.Subject, broken.Error = nil, "no\nmemory"
	oops := judged(report.Violated, report.Verdict{
		Engine: protocol.Kernel, Verdict: protocol.Violated, Property: protocol.KernelLives, Reason: "kernel-lives", Seconds: 3,
		Findings: []report.Finding{{
			Engine: protocol.Kernel, Property: protocol.KernelLives, Text: "BUG: unable to handle page fault", Class: "crash", During: "remove", Count: 1,
			Place: report.Place{Who: "kernel"}, Log: []string{"RIP: 0010:bpf_prog", "Call Trace:"},
		}},
	})
	oops.Schema, oops.Subject, oops.Guest = "stress/vm/1", nil, aGuest()
	apart := judged(report.Violated)
	apart.Findings = []report.Finding{{
		Engine: protocol.Kernel, Property: "kernel-lives", Text: "BUG: unable to handle page fault", During: "remove", Count: 1,
		Place: report.Place{Who: "guest"}, Log: []string{"RIP: 0010:bpf_prog", "Call Trace:"}, Again: "stress replay b.tar",
	}}
	return map[string]*report.Document{
		"holds":      judged(report.Holds, proved, bounds, unseen, kernel),
		"violated":   judged(report.Violated, found, violatedCPU(), missing),
		"disagree":   disagreeing(proved, found),
		"expected":   turned,
		"open":       judged(report.NoAnswer, bounded, other, vacuous, missing),
		"kernel":     judged(report.Holds, kernel),
		"failed":     broken,
		"guest":      oops,
		"apart":      apart,
		"matrix":     sectionOf(aMatrix()),
		"matrices":   sectionOf(alike()),
		"mutants":    seeded(aMutants()),
		"search":     sectionOf(aSearch()),
		"replay":     onSubject(aReplay(report.Taken)),
		"differs":    onSubject(aReplay(report.Differs)),
		"steered":    judged(report.Violated, aSteered()),
		"followed":   onSubject(aFollowed(report.Taken)),
		"refused":    onSubject(aFollowed(report.Refused)),
		"conforms":   onSubject(&report.TraceCheck{Events: 11, Observations: 1, Consumed: 12, Conforms: true}),
		"mismatch":   onSubject(&report.TraceCheck{Events: 11, Consumed: 9, Line: 13, Item: "key 0 remove waited", Allowed: []string{"this", "that"}}),
		"silent":     onSubject(&report.TraceCheck{Reason: "the trace has no events"}),
		"regression": sectionOf(aRegression()),
		"identity":   seeded(anIdentity()),
		"identities": seeded(identities()),
		"affected":   sectionOf(anAffected()),
		"doctor": sectionOf(&report.Doctor{Checks: []report.Check{
			{Name: "CPUs", OK: true, Detail: "2", For: "overlap"},
			{Name: "kernel programs", Detail: "needs CAP_BPF", For: "the kernel engine"},
		}}),
		"list": sectionOf(&report.Catalogue{Kinds: []report.Kind{
			{Kind: "protocols", Items: []report.Item{{Name: "kernel", Text: "protocol kernel\n  install  publish"}}},
			{Kind: "graces", Items: []report.Item{{Name: "epoch", Text: "waits"}, {Name: "sleep", Text: "sleeps"}}},
		}}),
		"list-one": sectionOf(&report.Catalogue{Kinds: []report.Kind{{Kind: "graces", Items: []report.Item{{Name: "epoch", Text: "waits"}}}}}),
		"disasm":   sectionOf(&report.Listings{Of: "disasm", Listings: []report.Listing{{Name: "main", Text: "main:\n  0  c3  ret\n"}}}),
		"version":  sectionOf(&report.About{}),
	}
}

func aGuest() *report.Guest {
	return &report.Guest{
		Image: "deb:6.1.0-56-amd64", Emulator: "QEMU 9.9.9", Accel: "tcg,thread=single", CPU: "max", CPUs: 2, Memory: "2G",
		Append: "retbleed=stuff", Release: "6.1.0-56-amd64",
	}
}

func aSteered() report.Verdict {
	return report.Verdict{
		Engine: protocol.Steered, Verdict: protocol.Violated, Property: protocol.NeverA, Seconds: 12,
		Findings: []report.Finding{{
			Engine: protocol.Steered, Property: protocol.NeverA, During: "remove", Count: 8, Text: "falls <through>",
			Place: report.Place{Who: "reader of sub"},
		}},
		Steered: &report.SteeredCounts{
			Release: "7.3.4", Schedules: 34, Impossible: 11, Waits: map[string]int{"synchronize_rcu": 4, "smp_call": 7}, Alone: 7, Left: 28, Moves: 368, Emulator: 1,
			Refused: map[string]string{"entry": "the verifier says: no"},
			Cases: []report.SteeredCase{{Caller: "sub", Ops: "remove", Readers: 1, Seconds: 9.5, Rows: []report.SteeredRow{
				{Places: "bypass", Cells: "tsssssss"}, {Places: "target", Cells: "ttttAAAA"}, {Places: "trap", Entered: 1, First: 1, Cells: "swwwww!"},
			}}},
		},
	}
}

func aFollowed(outcome report.StepOutcome) *report.Replay {
	k := &report.KernelSteps{Release: "7.3.4", Caller: "sub", Moves: []report.KernelMove{
		{Step: 1, Actor: "mutator", Words: "publish"},
		{
			Step: 2, Actor: "thread 0", Words: "enters", At: "0xffffffffc0200117", Slots: []string{"0f 1f 44 00 00 nop", "e9 72 00 00 00 jump-p0"},
			Regs: []report.KernelReg{{Name: "rax", Value: "0x1"}, {Name: "rdi", Value: "0x2"}}, Stack: []string{"0x3", "0x4", "0x5"},
		},
	}}
	k.Outcome, k.Taken, k.Steps = outcome, 2, 2
	if outcome == report.Taken {
		k.Seen, k.Then = "reader 0 went on", "reader 0 returned 66"
	} else {
		k.Taken, k.Text = 1, "the mutator waits in synchronize_rcu"
	}
	return &report.Replay{
		Engine: protocol.Model, Property: protocol.NeverA, Text: "falls", Steps: 2, Witness: aWitness(), Kernel: k,
		CPU: &report.Stepped{Outcome: report.NotStepped, Text: "a kernel was asked"},
	}
}

func aMatrix() *report.Matrix {
	died := report.MatrixCell{Verdict: report.Violated, Summary: "kernel violated kernel-lives, BUG", Guest: aGuest(), Code: 1, Again: "stress vm --kernel new"}
	return &report.Matrix{
		Verbs: []report.MatrixVerb{{Name: "layout", Args: []string{"doctor"}}, {Name: "kernel", Args: []string{"run"}}, {Name: "cpu", Args: []string{"run"}}},
		Kernels: []report.MatrixKernel{
			{Name: "old", Cells: []report.MatrixCell{
				{Summary: "v6.1", Document: []byte(`{"tool":{}}`)}, {Verdict: report.Holds, Summary: "not-observed, 9 cycles", Seconds: 2}, {Verdict: report.Holds},
			}},
			{Name: "new", Cells: []report.MatrixCell{{}, died, {Verdict: report.NoAnswer, Summary: "no boot", Code: 5}}},
		},
	}
}

// alike is a matrix of two kernels that answer alike.
func alike() *report.Matrix {
	m := aMatrix()
	m.Kernels[1].Cells = m.Kernels[0].Cells
	return m
}

func sectionOf(s report.Section) *report.Document { return stamped(report.New(s), "stress a verb") }

func seeded(s report.Section) *report.Document {
	d := sectionOf(s)
	d.Seed = "0x2a"
	return d
}

func onSubject(s report.Section) *report.Document {
	d := sectionOf(s)
	d.Subject = subject()
	return d
}

func aMutants() *report.Mutants {
	type verdicts = map[protocol.Engine]protocol.Verdict
	type seconds = map[protocol.Engine]float64
	return &report.Mutants{
		Engines: []protocol.Engine{protocol.Model, protocol.Machine, protocol.CPU},
		Mutants: []report.Mutant{
			{
				Name: "no-grace", Origin: "a thread", Why: "why", Edits: []string{"remove: drop wait"}, Property: protocol.NeverA,
				Expect:     verdicts{protocol.Model: protocol.Violated, protocol.CPU: protocol.Violated},
				Found:      verdicts{protocol.Model: protocol.Violated, protocol.CPU: protocol.Violated},
				Broke:      map[protocol.Engine]protocol.Property{protocol.Model: protocol.NeverA, protocol.CPU: protocol.Registers},
				Seconds:    seconds{protocol.Model: 0.5, protocol.CPU: 0.02},
				Detections: []float64{0.01, 0.03}, Missed: 1, Witness: aWitness(), Agree: true,
			},
			{
				Name: "lazy", Origin: "mechanical", Why: "why", Edits: []string{"remove: drop target=nop"},
				Expect:  verdicts{protocol.Model: protocol.Proved},
				Found:   verdicts{protocol.Model: protocol.Violated},
				Seconds: seconds{protocol.Model: 0.25}, Witness: aWitness(),
			},
		},
	}
}

func aSearch() *report.Search {
	return &report.Search{
		Protocol: "kernel", Method: "int3", Grace: "epoch", Steps: 3, Sites: 64,
		Shapes: []report.ModelShape{{Threads: 1, Sites: 1, Programs: 2, Keys: 1}},
		Searches: []report.OpSearch{
			{
				Op: "remove", Enumerated: 1920, Pruned: report.SearchPruned{Silent: 1703, Leaks: 118, Frees: 12, Repeats: 35},
				Candidates: 52, Judged: 50, Refuted: map[protocol.Property]int{protocol.NeverA: 6, protocol.Fresh: 41},
				Vacuous: 1, Safe: 2, Spare: 1, Classes: 1,
				Found: []report.Found{
					{
						Rank: 1, Text: "publish; retire", Name: "lazy", Cost: report.Cost{Pokes: 64}, WaitsPer: "0", PokesPer: "N",
						Estimate: 0.0035, Leaves: "D", Callers: report.AllCallers, Class: 1, First: true, Orders: 2, Protocol: "protocol lazy",
					},
					{
						Text: "publish; wait; retire", Cost: report.Cost{Waits: 1}, WaitsPer: "1", PokesPer: "0", Estimate: 0.01,
						Leaves: "D", Callers: report.DirectCallers, Spare: true, Class: 1, Orders: 2, Protocol: "protocol p",
					},
				},
			},
			{Op: "install", Enumerated: 1, Candidates: 1, Judged: 1, Bounded: 1, Refuted: map[protocol.Property]int{}, Found: []report.Found{}},
		},
	}
}

func aReplay(outcome report.StepOutcome) *report.Replay {
	r := &report.Replay{
		Engine: protocol.Machine, Property: protocol.NeverA, Text: "unwound", Steps: 6, Cycle: 2, Witness: aWitness(),
		Model: &report.Verdict{Engine: protocol.Model, Verdict: protocol.Violated, Property: protocol.NeverA, ModelCounts: explored(1), Witness: aWitness()},
		CPU:   &report.Stepped{Outcome: outcome, Taken: 6, Steps: 6, Seen: "the thread fell through", Then: "thread 0 returned 0x1"},
	}
	if outcome == report.Differs {
		r.CPU = &report.Stepped{Outcome: outcome, Taken: 3, Steps: 6, Text: "step 4: rbx is 1, the witness's 2"}
	}
	return r
}

func aRegression() *report.Regression {
	return &report.Regression{
		Columns: []report.Heading{{Name: "interpreter v6.12", Era: "v6.12"}, {Name: "seed", Era: "seed"}},
		Cases: []report.RegressionCase{
			{Name: "limited", Origin: "a test", Results: []report.CaseResult{
				{Column: "interpreter v6.12", Cell: report.CellOK, Violated: []string{"tail-limit"}},
				{Column: "seed", Cell: report.CellDiffers, Difference: &report.Difference{Step: 1, Of: "run", What: "the result", Want: "0x1", Got: "0x2"}},
			}},
			{Name: "other", Origin: "-", Results: []report.CaseResult{
				{Column: "interpreter v6.12", Cell: report.CellCannotRun, Reason: "cannot run here: no legs"},
				{Column: "seed", Cell: report.CellFailed, Reason: "out of memory"},
			}},
		},
		CannotRun: 1, Missing: []string{"the kernel: needs CAP_BPF"},
	}
}

func anIdentity() *report.Identity {
	return &report.Identity{
		Programs: 3, Identical: 2, Opcodes: 17, Recovered: 1,
		Differences: []report.ProgramNotes{{Name: "odd", Listing: "main\n   0: 90  nop | 0: c3  ret\n"}},
		Rejected:    []report.ProgramNotes{{Name: "bad", Listing: "permission\n denied"}},
		Unsupported: []report.ProgramNotes{{Name: "arena", Listing: "has an arena"}},
	}
}

func identities() *report.Identity {
	i := anIdentity()
	i.Objects = []report.ObjectIdentity{
		{Name: "a.o", Programs: 3, Identical: 2, Recovered: 1, Rejected: 1, Unsupported: 1},
		{Name: "b.o", Refused: "no ELF\nfile"}, {Name: "c.o"},
	}
	return i
}

// disagreeing is what is made of a proof and a violation of what was proved.
func disagreeing(proved, found report.Verdict) *report.Document {
	found.Engine = protocol.Machine
	d := judged("", proved, found)
	d.Conclude()
	return d
}

// TestNamedByKind: a finding that breaks no property, as a process that hangs, has a name all the same.
func TestNamedByKind(t *testing.T) {
	hang := report.Finding{Engine: protocol.CPU, Kind: report.OfHang, Place: report.Place{Who: "engine"}, Text: "it told nothing", Count: 1}
	d := judged("")
	d.Findings = []report.Finding{hang}
	for _, f := range Formats() {
		want, ok := map[string]string{"text": "engine: hang: it told nothing", "junit": `name="hang"`}[f.Name]
		if !ok {
			continue
		}
		var b strings.Builder
		if err := f.Write(&b, d, Page{}); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%s: %v\n%s", f.Name, err, b.String())
		}
	}
}

// TestPrintable: no byte that a file or a flag brings moves a terminal's cursor.
func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain text\n  of two lines\n": "plain text\n  of two lines\n",
		"größer":                       "größer",
		"\x1b[31mred\x1b[0m":           `\x1b[31mred\x1b[0m`,
		"a\rb\tc\bd\x7f":               `a\rb\tc\bd\x7f`,
		"\xff\xfeé":                    `\xff\xfeé`,
		"\u202ereversed\u200b":         `\u202ereversed\u200b`,
		"\u0085 \u2028":                `\u0085 \u2028`,
		"'quoted' \"twice\" `thrice`":  "'quoted' \"twice\" `thrice`",
		`a back\slash`:                 `a back\slash`,
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, f := range Formats() {
		var b strings.Builder
		d := &report.Document{
			Verdict: report.Violated, Subject: &report.Subject{Object: "a\x1b]0;b\x07.o", Entry: "ma\x9bin"},
			Verdicts: []report.Verdict{{Engine: protocol.CPU, Verdict: protocol.Skipped, Reason: "no \x1b[2J"}},
		}
		if err := f.Write(&b, d, Page{}); err != nil {
			t.Fatal(err)
		}
		if at := strings.IndexFunc(b.String(), func(r rune) bool { return r != '\n' && unicode.IsControl(r) }); at >= 0 {
			t.Errorf("%s has a control character: %q", f.Name, b.String()[at:])
		}
	}
}
