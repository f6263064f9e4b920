package witness

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden holds what people read against a file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	name := "testdata/" + file
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// everything is a witness in which every kind of action appears, with a copy of the caller, a
// program that has sites, and machine code.
func everything() *Witness {
	nop := protocol.SlotText{Head: protocol.HeadNop, Tail: protocol.NopTail}
	out := protocol.SlotText{Head: protocol.HeadJump, Tail: protocol.OutTail}
	to := protocol.SlotText{Head: protocol.HeadJump, Tail: 1}
	trap := microStep("head=int3")
	returned := uint64(42)
	idle := Position{Program: None, Off: None}
	site := func(first, second protocol.SlotText, from, to protocol.State) SiteView {
		return SiteView{Slots: []SlotView{{SlotText: first}, {SlotText: second, Stale: from != to}}, From: from, To: to}
	}
	view := func(at Position, first SiteView) View {
		return View{Threads: []Position{at}, Sites: []SiteView{first, {Gone: true}, site(out, nop, 'C', 'C')}}
	}
	w := &Witness{
		Property: protocol.NeverA, Text: "everything happens", Threads: 1, Programs: []string{"main", "p1"},
		Agents: []Actor{{}, {Kind: Mutator, Index: 1}, {Kind: Loader}},
		Sites:  []Site{{Number: 0}, {Number: 0, In: "copy 0"}, {Number: 1, In: "p1"}},
		Start:  view(idle, site(out, nop, 'C', 'C')), Cycle: 1,
	}
	states := []SiteView{
		site(out, nop, 'C', 'C'), site(out, to, 'D', 'D'),
		site(out, nop.Trapped(), 'C', 'D'), site(nop, to, 'B', 'B'),
	}
	positions := []Position{
		idle,
		{Place: AtSlot, Slot: protocol.Target, Program: None, Off: None},
		{Place: AtSlot, Trapped: true, Program: None, Off: None},
		{Place: InProgram, Program: 1, Off: None},
		{Place: AtSlot, Program: 0, Off: 0x1a},
		{Place: Outside, Addr: 0xdead, Program: None, Off: None},
		{Place: Entering, Program: None, Off: None},
		{Place: PastSites, Program: None, Off: None},
		{Place: InCode, Program: 0, Off: 0x20, Trapped: true},
	}
	for do := range numDos {
		a := Act(do)
		a.Key, a.Prog, a.Site, a.Slot, a.To, a.Text = 2, 1, 0, protocol.Target, to, nop
		a.Op, a.Step = protocol.Update, trap
		actor := w.Agents[int(do)%2]
		switch {
		case do > Reclaim:
			actor = Actor{Kind: Thread}
			a.Copy = []int{None, 0}[int(do)%2]
		case do > Return:
			actor, a.Copy = w.Agents[2], 0
		case do == Wait || do == Scan || do == Retire:
			a.Thread = 0
		}
		s := Step{Choice: Choice{Actor: actor, Action: a}, View: view(positions[int(do)%len(positions)], states[int(do)%len(states)])}
		if do == Publish {
			s.Call, s.Frees = &protocol.Call{Kind: protocol.Put, Key: 2, Prog: 1}, []int{1}
			s.Event = &protocol.Event{Kind: protocol.Published, Op: protocol.Update, Key: 2}
		}
		if do == Execute {
			s.Code = &Code{
				At: positions[8], Bytes: []byte{0x5b}, Text: "pop rbx", Count: 3, Returns: &returned,
				Regs: []Reg{{"rbx", 7}, {"rsp", 0x1000}},
			}
		}
		w.Steps = append(w.Steps, s)
	}
	return w
}

// microStep is the step that the method grammar calls by a word.
func microStep(word string) protocol.MicroStep {
	m, ok := protocol.MicroStepByWord(word)
	if !ok {
		panic("no step " + word)
	}
	return m
}

func TestGoldenTable(t *testing.T) { golden(t, "everything.txt", everything().String()) }

func TestGoldenSVG(t *testing.T) {
	svg := everything().SVG("protocol kernel")
	golden(t, "everything.svg", string(svg))
	for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestGoldenJSON(t *testing.T) {
	raw, err := json.MarshalIndent(everything(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "everything.json", string(raw)+"\n")
}

// TestEveryActionHasWords: no kind was forgotten, and none reads as another.
func TestEveryActionHasWords(t *testing.T) {
	seen := map[string]Do{}
	for do := range numDos {
		if do.String() == "" {
			t.Errorf("action %d has no word", do)
		}
		if other, ok := seen[do.String()]; ok {
			t.Errorf("%d and %d are both %s", do, other, do)
		}
		seen[do.String()] = do
	}
}

func drawChoice(t *rapid.T) Choice {
	number := rapid.IntRange(None, 9)
	a := Action{
		Do:  Do(rapid.IntRange(0, int(numDos)-1).Draw(t, "do")),
		Key: number.Draw(t, "key"), Prog: number.Draw(t, "program"), Copy: number.Draw(t, "copy"),
		Thread: number.Draw(t, "thread"), Site: number.Draw(t, "site"), Same: rapid.Bool().Draw(t, "same"),
		Grace:  protocol.Period(rapid.IntRange(0, protocol.Periods-1).Draw(t, "grace")),
		Reader: rapid.SampledFrom([]string{"", "plain", "sleepable"}).Draw(t, "reader"),
	}
	if a.Do.hasOp() {
		a.Op = protocol.OpKind(rapid.IntRange(0, protocol.OpKinds-1).Draw(t, "op"))
	}
	if a.Do.hasSlot() && a.Site != None {
		a.Slot = protocol.Slot(rapid.IntRange(0, protocol.Slots-1).Draw(t, "slot"))
		a.To = drawSlotText(t, a.Slot)
		a.Text = drawSlotText(t, a.Slot)
	}
	if a.Do == Store {
		a.Step = microStep(rapid.SampledFrom([]string{"head=int3", "sync", "tail", "all", "bytes"}).Draw(t, "step"))
	}
	c := Choice{
		Actor:  Actor{ActorKind(rapid.IntRange(0, int(Thread)).Draw(t, "kind")), rapid.IntRange(0, 9).Draw(t, "index")},
		Action: a, Round: rapid.Bool().Draw(t, "round"),
	}
	if rapid.Bool().Draw(t, "calls") {
		c.Call = &protocol.Call{Kind: protocol.Put, Key: rapid.IntRange(0, 9).Draw(t, "put"), Prog: 3}
	}
	return c
}

func drawSlotText(t *rapid.T, s protocol.Slot) protocol.SlotText {
	whole := protocol.TextOf(s, protocol.Content(rapid.IntRange(0, 1).Draw(t, "content")), rapid.IntRange(0, 5).Draw(t, "to"))
	return rapid.SampledFrom([]protocol.SlotText{
		whole, whole.Trapped(), {}, {Head: protocol.HeadTorn, Tail: protocol.AnyTail},
	}).Draw(t, "text")
}

// TestScript: the calls of a witness are its script, whether a call is a step or goes with one.
func TestScript(t *testing.T) {
	put, remove := Act(Call), Act(Call)
	put.Op, put.Key, put.Prog = protocol.Update, 1, 2
	remove.Op, remove.Key = protocol.Remove, 3
	w := Witness{Steps: []Step{
		{Choice: Choice{Action: put}}, {Choice: Choice{Action: Act(Publish)}}, {Choice: Choice{Action: remove}},
		{Choice: Choice{Action: Act(Enter), Call: &protocol.Call{Kind: protocol.Load, Prog: 1}}},
	}}
	want := protocol.Script{{Kind: protocol.Put, Key: 1, Prog: 2}, {Kind: protocol.Delete, Key: 3}, {Kind: protocol.Load, Prog: 1}}
	if diff := cmp.Diff(want, w.Script()); diff != "" {
		t.Errorf("want - got:\n%s", diff)
	}
}

// TestChoicesComeBack: a choice that was written is the one that is read.
func TestChoicesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawChoice(t)
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back Choice
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if !back.Same(c) {
			t.Fatalf("%s: read back as %+v, was %+v", raw, back, c)
		}
	})
}

// TestDifferentChoices: each field tells choices apart.
func TestDifferentChoices(t *testing.T) {
	base := Choice{Action: Act(Store)}
	for name, change := range map[string]func(*Choice){
		"actor": func(c *Choice) { c.Actor.Index = 1 }, "kind": func(c *Choice) { c.Actor.Kind = Thread },
		"do": func(c *Choice) { c.Action.Do = Free }, "key": func(c *Choice) { c.Action.Key = 1 },
		"text": func(c *Choice) { c.Action.Text.Head = protocol.HeadNop }, "round": func(c *Choice) { c.Round = true },
		"call": func(c *Choice) { c.Call = &protocol.Call{} }, "program": func(c *Choice) { c.Action.Prog = 1 },
		"copy": func(c *Choice) { c.Action.Copy = 0 }, "thread": func(c *Choice) { c.Action.Thread = 1 },
		"site": func(c *Choice) { c.Action.Site = 0 }, "slot": func(c *Choice) { c.Action.Slot = protocol.Target },
		"to": func(c *Choice) { c.Action.To.Tail = 2 }, "step": func(c *Choice) { c.Action.Step = microStep("sync") },
		"op": func(c *Choice) { c.Action.Op = protocol.Remove }, "same": func(c *Choice) { c.Action.Same = true },
		"grace": func(c *Choice) { c.Action.Grace = protocol.RCU }, "reader": func(c *Choice) { c.Action.Reader = "a" },
	} {
		other := base
		change(&other)
		if base.Same(other) || !other.Same(other) {
			t.Errorf("%s does not tell choices apart", name)
		}
	}
	calls := [2]Choice{{Call: &protocol.Call{Key: 1}}, {Call: &protocol.Call{Key: 1}}}
	if !calls[0].Same(calls[1]) {
		t.Error("equal calls differ")
	}
}

// TestBadChoices: what cannot be a choice is refused, with the field that is at fault.
func TestBadChoices(t *testing.T) {
	for raw, want := range map[string]string{
		`{"actor": "bystander", "do": "free"}`:                                               `no actor is called "bystander"`,
		`{"actor": "thread x", "do": "free"}`:                                                `no actor is called "thread x"`,
		`{"actor": "thread 01", "do": "enter"}`:                                              `no actor is called "thread 01"`,
		`{"actor": "mutator", "do": "dance"}`:                                                `do: "dance" is no action`,
		`{"actor": "mutator", "do": "free", "fetch": "cc"}`:                                  `unknown field "fetch"`,
		`{"actor": "mutator", "do": "publish", "program": -3}`:                               `program: -3 is less than 0`,
		`{"actor": "mutator", "do": "wait", "grace": "tree"}`:                                `grace: "tree" is no grace period`,
		`{"actor": "mutator", "do": "call", "op": "load"}`:                                   `op: "load" is no operation`,
		`{"actor": "mutator", "do": "publish", "call": "put 1"}`:                             `call: "put 1" is no call of a script`,
		`{"actor": "mutator", "do": "store", "site": 0, "slot": "middle"}`:                   `slot: a tail call has no slot "middle"`,
		`{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "jump-p0"}`:  `to: 1:1: expected what a bypass holds`,
		`{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "step": "carve"}`:  `step: "carve" is no step of a poke method`,
		`{"actor": "thread 0", "do": "fetch", "site": 0, "slot": "target", "text": "maybe"}`: `text: 1:1: expected what a target holds`,
	} {
		var c Choice
		if err := json.Unmarshal([]byte(raw), &c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
}
