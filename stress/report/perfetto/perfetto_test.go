package perfetto

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/report"
)

// decoded is a message by its fields: numbers, and messages or texts as bytes.
type decoded map[protowire.Number][]any

func decode(t *testing.T, raw []byte) decoded {
	t.Helper()
	out := decoded{}
	for len(raw) > 0 {
		field, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		raw = raw[n:]
		var v any
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(raw)
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(raw)
		default:
			t.Fatalf("field %d: type %d", field, kind)
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		out[field] = append(out[field], v)
		raw = raw[n:]
	}
	return out
}

func (d decoded) text(field protowire.Number) string {
	if len(d[field]) == 0 {
		return ""
	}
	return string(d[field][0].([]byte))
}

func (d decoded) number(field protowire.Number) uint64 {
	if len(d[field]) == 0 {
		return 0
	}
	return d[field][0].(uint64)
}

// lanesOf reads a trace: by lane, in order, its slices, indented by what they are in, and its
// instants. It fails where slices are not one in the other.
func lanesOf(t *testing.T, raw []byte) string {
	t.Helper()
	type open struct {
		from uint64
		line int
	}
	names, lines, stacks := map[uint64]string{}, map[uint64][]string{}, map[uint64][]open{}
	for _, p := range decode(t, raw)[packetOfTrace] {
		p := decode(t, p.([]byte))
		if d := p.text(descriptorOfPacket); d != "" {
			d := decode(t, []byte(d))
			process, thread := decode(t, []byte(d.text(processOfTrack))), decode(t, []byte(d.text(threadOfTrack)))
			names[d.number(uuidOfTrack)] = process.text(nameOfProcess) + thread.text(nameOfThread) + d.text(nameOfTrack)
			continue
		}
		e, at := decode(t, []byte(p.text(eventOfPacket))), p.number(timestampOfPacket)
		track := e.number(trackOfEvent)
		if names[track] == "" {
			t.Fatalf("an event on lane %d, which was not described", track)
		}
		stack := stacks[track]
		indent := strings.Repeat("  ", 1+len(stack))
		switch e.number(typeOfEvent) {
		case sliceBegin:
			stacks[track] = append(stack, open{at, len(lines[track])})
			lines[track] = append(lines[track], indent+e.text(categoryOfEvent)+": "+e.text(nameOfEvent))
		case sliceEnd:
			if len(stack) == 0 || at < stack[len(stack)-1].from {
				t.Fatalf("%s: a slice ends at %d that did not begin before", names[track], at)
			}
			last := stack[len(stack)-1]
			stacks[track] = stack[:len(stack)-1]
			lines[track][last.line] += fmt.Sprintf(" %d-%d", last.from, at)
		case instant:
			lines[track] = append(lines[track], fmt.Sprintf("%s%s: %s %d", indent, e.text(categoryOfEvent), e.text(nameOfEvent), at))
		}
	}
	var b strings.Builder
	for _, track := range slices.Sorted(maps.Keys(names)) {
		if n := len(stacks[track]); n > 0 {
			t.Errorf("%s: %d slices do not end", names[track], n)
		}
		fmt.Fprintln(&b, names[track])
		for _, l := range lines[track] {
			fmt.Fprintln(&b, l)
		}
	}
	return b.String()
}

const trace = `key 0 has 1 sites at 5
key 0 install called p1 at 1000
key 0 install published at 1500
key 0 install poked site 0 target=jump at 2000
key 0 saw site 0 bypass=jump target=jump-p1 at 2100
key 0 saw site 0 bypass=jump target=jump-p1 at 2150
key 0 install poked site 0 bypass=nop unchanged at 2200
key 0 install returned at 2300
key 0 omitted 7 operations has 1 sites holds p1 at 3000
key 0 remove called at 4000
key 0 remove waited at 9000
key 0 saw site 0 bypass=nop at 9500
`

const liveLanes = `cpu engine: violated
mutator
  operation: install key 0 to p1 1000-2300
    operation: published 1500
    poke: poke site 0 target=jump 1500-2000
    poke: poke site 0 bypass=nop unchanged 2000-2200
  trace: 7 operations were not recorded 3000
  operation: remove key 0 4000-9500
    grace period: grace period 4000-9000
  finding: violates expected-bytes 10000
key 0, site 0
  site: bypass=jump target=jump-p1 2100-9500
  site: bypass=nop 9500-9500
thread 0
  thread: executes 0-10000
thread 1
  thread: executes 0-10000
    finding: violates never-a 4500
`

// TestLive: what happened in a run stands in its lane, in what it belongs to.
func TestLive(t *testing.T) {
	one := 1
	d := &report.Document{Subject: &report.Subject{Threads: 2}, Verdicts: []report.Verdict{{
		Engine: protocol.CPU, Verdict: protocol.Violated, Seconds: 10e-6,
		CPUCounts: &report.CPUCounts{FirstSeconds: 4.5e-6}, Findings: []report.Finding{
			{Property: protocol.NeverA, Place: report.Place{Thread: &one}, Text: "lost rbx", Count: 2},
			{Property: protocol.ExpectedBytes, Text: "holds 90", Count: 1},
		},
	}}}
	out, err := Of(d, trace)
	if err != nil {
		t.Fatal(err)
	}
	if got := lanesOf(t, out); got != liveLanes {
		t.Errorf("is\n%s\nwant\n%s", got, liveLanes)
	}
	if _, err := Of(d, "key 0 what"); err == nil {
		t.Error("a trace that is none is drawn")
	}
	if out, err := Of(&report.Document{}, ""); err != nil || len(out) > 0 {
		t.Errorf("%q, %v of nothing", out, err)
	}
}

const witnessLanes = `witness of the model engine: never-a, a step is 1 µs
mutator
  operation: remove key 0 0-4000
    step: remove key 0: called 0-1000
    grace period: grace period 2000-4000
      step: wait: begins 2000-3000
      step: wait: ends 3000-4000
thread 0
  step: enters 1000-2000
  stands: site 0 target 2000-4000
  step: exits 4000-5000
  finding: violates never-a 5000
site 0
  site: C bypass=jump-out target=nop 0-3000
  site: A bypass=nop target=nop 3000-5000
`

// TestGoldenWitness: so do the steps of a witness, with where threads stand, and what sites hold.
func TestGoldenWitness(t *testing.T) {
	nop := protocol.SlotText{Head: protocol.HeadNop, Tail: protocol.NopTail}
	out := protocol.SlotText{Head: protocol.HeadJump, Tail: protocol.OutTail}
	view := func(state protocol.State, bypass protocol.SlotText, place witness.Place) witness.View {
		return witness.View{
			Threads: []witness.Position{{Place: place, Slot: 1, Program: witness.None, Off: witness.None}},
			Sites:   []witness.SiteView{{Slots: []witness.SlotView{{SlotText: bypass}, {SlotText: nop}}, From: state, To: state}},
		}
	}
	called := witness.Act(witness.Call)
	called.Op, called.Key = protocol.Remove, 0
	thread := witness.Actor{Kind: witness.Thread}
	x := &witness.Witness{
		Property: protocol.NeverA, Text: "falls through", Agents: []witness.Actor{{}}, Threads: 1, Sites: []witness.Site{{}},
		Start: view('C', out, witness.Idle),
		Steps: []witness.Step{
			{Choice: witness.Choice{Action: called}, View: view('C', out, witness.Idle)},
			{Choice: witness.Choice{Actor: thread, Action: witness.Act(witness.Enter)}, View: view('C', out, witness.AtSlot)},
			{Choice: witness.Choice{Action: witness.Act(witness.Wait)}, View: view('C', out, witness.AtSlot)},
			{Choice: witness.Choice{Action: witness.Act(witness.Waited)}, View: view('A', nop, witness.AtSlot)},
			{Choice: witness.Choice{Actor: thread, Action: witness.Act(witness.Leave)}, View: view('A', nop, witness.Idle)},
		},
	}
	for _, d := range []*report.Document{
		{Verdicts: []report.Verdict{{Engine: protocol.Model, Witness: x}}},
		report.New(&report.Replay{Engine: protocol.Model, Witness: x}),
	} {
		out, err := Of(d, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := lanesOf(t, out); got != witnessLanes {
			t.Errorf("is\n%s\nwant\n%s", got, witnessLanes)
		}
	}
}
