package render

import (
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/report"
)

// longWitness is a remove without a grace period on machine code: a thread passes the open bypass, and
// then the cleared target.
func longWitness() *witness.Witness {
	nop := protocol.SlotText{Head: protocol.HeadNop, Tail: protocol.NopTail}
	out := protocol.SlotText{Head: protocol.HeadJump, Tail: protocol.OutTail}
	jump := protocol.SlotText{Head: protocol.HeadJump, Tail: 0}
	idle := witness.Position{Program: witness.None, Off: witness.None}
	before := func(slot protocol.Slot, off int) witness.Position {
		return witness.Position{Place: witness.AtSlot, Slot: slot, Program: 0, Off: off}
	}
	view := func(at witness.Position, first, second protocol.SlotText, state protocol.State) witness.View {
		return witness.View{Threads: []witness.Position{at}, Sites: []witness.SiteView{{
			Slots: []witness.SlotView{{SlotText: first, Bytes: []byte{0x0f, 0x1f, 0x44, 0, 0}}, {SlotText: second, Bytes: []byte{0xe9, 1, 2, 3, 4}}},
			From:  state, To: state,
		}}}
	}
	step := func(actor witness.Actor, a witness.Action, v witness.View) witness.Step {
		return witness.Step{Choice: witness.Choice{Actor: actor, Action: a}, View: v}
	}
	thread, mutator := witness.Actor{Kind: witness.Thread}, witness.Actor{}
	at := func(do witness.Do, slot protocol.Slot, text protocol.SlotText) witness.Action {
		a := witness.Act(do)
		a.Site, a.Slot, a.To, a.Text = 0, slot, text, text
		return a
	}
	w := &witness.Witness{
		Property: protocol.NeverA, Text: "unwinds, and goes on in the caller", Agents: []witness.Actor{mutator}, Threads: 1,
		Programs: []string{"p0"}, Sites: []witness.Site{{}}, Start: view(idle, nop, jump, 'B'),
	}
	call := witness.Act(witness.Call)
	call.Op, call.Key = protocol.Remove, 0
	w.Steps = []witness.Step{
		step(thread, witness.Act(witness.Enter), view(before(0, 0x50), nop, jump, 'B')),
		step(thread, at(witness.Fetch, 0, nop), view(before(1, 0x64), nop, jump, 'B')),
		step(mutator, call, view(before(1, 0x64), nop, jump, 'B')),
		step(mutator, at(witness.Store, 0, out), view(before(1, 0x64), out, jump, 'D')),
		step(mutator, at(witness.Store, 1, nop), view(before(1, 0x64), out, nop, 'C')),
		step(thread, at(witness.Fetch, 1, nop), view(idle, out, nop, 'C')),
	}
	stands := before(0, 0x50)
	stands.Source = aLine(40, "bpf_tail_call(ctx, &jmp, 0);")
	w.Steps[0].Threads[0] = stands
	w.Steps[1].Code = &witness.Code{
		At: stands, Bytes: []byte{0x0f, 0x1f, 0x44, 0, 0}, Text: "nop", Count: 7, Regs: []witness.Reg{{Name: "rbx", Value: 7}},
	}
	return w
}

// main is a page without style and script, which all pages have in common.
func mainOf(page string) string {
	page = regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(page, "<style></style>")
	page = regexp.MustCompile(`(?s)<script>.*?</script>`).ReplaceAllString(page, "<script></script>")
	return regexp.MustCompile(`content="default-src[^"]*"`).ReplaceAllString(page, `content=""`)
}

// TestGoldenPages are pages without what all have in common.
func TestGoldenPages(t *testing.T) {
	all := documents()
	all["replay"].Sections[0].(*report.Replay).Witness = longWitness()
	all["soak"] = soakDocument()
	for _, name := range []string{"kernel", "violated", "replay", "mutants", "failed", "soak"} {
		got := mainOf(string(pageFor(t, all[name])))
		file := filepath.Join("testdata", name+".html")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: is\n%s\nwant\n%s", name, got, want)
		}
	}
}

// soakDocument is one of a soak with a finding, and few samples.
func soakDocument() *report.Document {
	d := documents()["violated"]
	s := aSoak()
	s.Engines[0].Series = s.Engines[0].Series[:5]
	d.Sections = []report.Section{s}
	d.Verdicts[1].Durations = map[string]report.Histogram{"remove": {0, 0, 5, 3, 1}, "grace period": {0, 7}}
	d.Findings = []report.Finding{{
		Engine: protocol.CPU, Kind: report.OfHang, Text: "said nothing any more", Count: 2, Bundle: "hang 1.zip",
		First: "2026-11-28T08:00:00Z", Last: "2026-11-28T08:10:00Z", Log: []string{"goroutine 1"},
	}}
	return d
}

// nasty is what a file, a flag or a kernel's log may bring.
const nasty = `"'><img src=x onerror=hit()></script><script>hit()</script>{{.}}&lt;b&gt;` + "\u202e\x1b[31m`${hit()}"

// hostile is a document in which every text from outside is nasty.
func hostile() *report.Document {
	d := documents()["violated"]
	w := longWitness()
	w.Text, w.Programs = nasty, []string{nasty}
	bad := source.Line{Place: source.Place{File: nasty, Number: 1}, Text: nasty}
	w.Sites, w.Sources = []witness.Site{{In: nasty, Source: bad}}, []source.Line{bad}
	w.Steps[1].Code.At.Source, w.Steps[0].Threads[0].Source = bad, bad
	w.Steps[0].Action.Reader = nasty
	w.Steps[1].Code.Text, w.Steps[1].Code.Regs[0].Name = nasty, nasty
	d.Verdicts[0].Witness, d.Verdicts[0].Reason = w, nasty
	d.Again, d.Seed, d.Summary = nasty, nasty, nasty
	d.Machine = report.Machine{Platform: nasty, CPU: nasty, Kernel: nasty}
	d.Subject = &report.Subject{Protocol: nasty, Object: nasty, Entry: nasty}
	d.Findings = []report.Finding{{
		Engine: nasty, Property: nasty, Class: nasty, Text: nasty, During: nasty, Log: []string{nasty}, Again: nasty,
		Place: report.Place{Program: nasty, Who: nasty, Slot: nasty, Source: bad},
	}}
	d.Disagreements = []report.Disagreement{{Text: nasty}}
	d.Guest = &report.Guest{Image: nasty, Append: nasty, CPU: nasty}
	d.Sections = []report.Section{
		&report.Listings{Of: "disasm", Listings: []report.Listing{{Name: nasty, Text: nasty}}},
		&report.Mutants{Mutants: []report.Mutant{{Name: nasty, Why: nasty, Origin: nasty, Witness: w}}},
	}
	return d
}

// TestHostilePages: what comes from outside is text and nothing else.
func TestHostilePages(t *testing.T) {
	page := string(pageFor(t, hostile()))
	if n := strings.Count(page, "hit()"); n < 20 {
		t.Errorf("%d of the nasty texts are on the page", n)
	}
	for _, bad := range []string{"<img", "<script>hit", "\u202e", "\x1b"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	var live strings.Builder
	d := soakDocument()
	d.Findings[0].Bundle = "../" + nasty
	if err := LivePage(&live, d); err != nil {
		t.Fatal(err)
	}
	leads := regexp.MustCompile(`href="([^"]*)%2F%22%27%3E%3Cimg[^"/]*"`).FindStringSubmatch(live.String())
	if leads == nil || strings.Count(leads[1], "/") != 1 || strings.HasPrefix(leads[1], "/") {
		t.Errorf("a bundle's name leads elsewhere: %q", leads)
	}
	// What the page runs is named in its policy, and nothing else may run.
	for tag, text := range map[string]string{"style": asset("page.css"), "script": asset("page.js")} {
		if !strings.Contains(page, "<"+tag+">"+text+"</"+tag+">") || !strings.Contains(html.UnescapeString(page), tag+"-src "+hashOf(text)) {
			t.Errorf("the %s is not the one that the policy names", tag)
		}
	}
}
