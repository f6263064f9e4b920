package model

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// replayedOf takes a witness's choices again, as they are read back from JSON.
func replayedOf(t *testing.T, s protocol.Subject, o Options, w *witness.Witness) (*witness.Witness, error) {
	t.Helper()
	text, err := json.Marshal(w.Choices())
	if err != nil {
		t.Fatal(err)
	}
	var choices []witness.Choice
	if err := json.Unmarshal(text, &choices); err != nil {
		t.Fatal(err)
	}
	return Replay(s, o, choices)
}

// by is the choice of an action by an actor.
func by(kind witness.ActorKind, index int, a witness.Action) witness.Choice {
	return witness.Choice{Actor: witness.Actor{Kind: kind, Index: index}, Action: a}
}

// TestReplay: every witness of the zoos and the single edits, with one thread and with
// two, is one again: to the letter, and to the event.
func TestReplay(t *testing.T) {
	subjects := everySubject(t)
	for _, e := range protocol.SingleEdits(protocol.DefaultSubject()) {
		s, err := e.Apply(protocol.DefaultSubject())
		if err != nil {
			t.Fatal(err)
		}
		subjects = append(subjects, s)
	}
	for _, m := range protocol.ModelZoo() {
		s := needy(t, m.Name)
		s.Method = shortened(s.Method)
		subjects = append(subjects, s)
	}
	taken, least := 0, 100
	if testing.Short() {
		subjects, least = subjects[:20], 10
	}
	for _, s := range subjects {
		for threads := 1; threads <= 2; threads++ {
			o := Options{Threads: threads}
			r := check(t, s, o)
			if r.Witness == nil {
				continue
			}
			w, err := replayedOf(t, s, o, r.Witness)
			if err != nil {
				t.Errorf("%s, %d threads: %v\n%v", nameOf(s), threads, err, r.Witness)
				continue
			}
			if diff := cmp.Diff(r.Witness, w); diff != "" {
				t.Errorf("%s, %d threads: (-found +taken again):\n%s", nameOf(s), threads, diff)
			}
			taken++
		}
	}
	if taken < least {
		t.Errorf("only %d witnesses", taken)
	}
}

// TestReplayOnly: the property that was asked for is the one that is found again.
func TestReplayOnly(t *testing.T) {
	s := mutators(protocol.DefaultSubject(), protocol.MutexNone)
	for _, p := range []protocol.Property{protocol.NeverA, protocol.ExpectedBytes, protocol.Fresh} {
		o := Options{Only: p}
		found := check(t, s, o).Witness
		w, err := replayedOf(t, s, o, found)
		if err != nil || w.String() != found.String() {
			t.Errorf("%s: error %v\n%v", p, err, w)
		}
		o.Only = protocol.NoTorn
		if _, err := replayedOf(t, s, o, found); err == nil || !strings.Contains(err.Error(), "breaks nothing that is judged") {
			t.Errorf("%s is taken for no-torn: error %v", p, err)
		}
	}
}

// TestReplaySameWords: the looks of two grace periods for one reader read the same, and
// what follows tells which it was.
func TestReplaySameWords(t *testing.T) {
	sys, err := newSystem(counted(t, protocol.DefaultSubject(), "counter"), 1, false)
	if err != nil {
		t.Fatal(err)
	}
	r := newReplayer(sys, noFault)
	x := sys.initial()
	// A wait is in progress and a program retires; both wait for a reader that has not
	// stored its epoch yet.
	x[0] = waitField.put(opField.put(x[0], 1+uint64(protocol.Remove)), 1)
	for sys.current(&x, &sys.agents[0]).Kind != protocol.Wait {
		x[0] = actionField.put(x[0], actionField.of(x[0])+1)
	}
	x[0] = withStatus(x[0], 1, retiring)
	x[sys.threads] = placeField.put(waitedField.put(retiredField.put(0, 1), 1), entering)
	r.layers[0][0].to = x
	look := witness.Choice{Action: witness.Act(witness.Scan)}
	look.Action.Thread = 0
	free := witness.Choice{Action: witness.Act(witness.Reclaim)}
	free.Action.Prog = 0
	if err := r.take(look, false); err != nil || len(r.next) != 2 {
		t.Fatalf("error %v, %d ways", err, len(r.next))
	}
	if err := r.take(free, false); err != nil || len(r.next) != 1 {
		t.Fatalf("error %v, %d ways", err, len(r.next))
	}
	if was := r.layers[1][r.next[0].prev].to; retiredField.of(was[sys.threads]) != 0 {
		t.Error("the way back is that of the other look")
	}
}

// TestReplayRefused: what is no witness is refused, with the step and what would be one.
func TestReplayRefused(t *testing.T) {
	s := mutant(t, "no-grace")
	s.Method = protocol.Methods()[1]
	good := check(t, s, Options{}).Witness.Choices()
	with := func(i int, c witness.Choice) []witness.Choice {
		out := append([]witness.Choice(nil), good...)
		out[i] = c
		return out
	}
	last := len(good) - 1
	seventh := good[0].Action
	seventh.Prog = 7
	for _, c := range []struct {
		why     string
		choices []witness.Choice
		want    []string
	}{
		{"nothing", nil, []string{"no steps"}},
		{"another actor", with(1, by(witness.Thread, 0, good[1].Action)), []string{"step 2, thread 0: ", "there is no such step", "\n  mutator: "}},
		{"another program", with(0, by(witness.Mutator, 0, seventh)), []string{"step 1", "\n  mutator: ", "\n  thread 0: "}},
		{"no such thread", with(0, by(witness.Thread, 3, witness.Act(witness.Enter))), []string{"step 1, thread 3", "\n  thread 0: "}},
		{"cut short", good[:last], []string{"step", "the last one, but breaks nothing"}},
		{"too long", append(with(0, good[0]), good[last]), []string{"it breaks never-a, so that nothing may follow it"}},
		{"the end first", good[last:], []string{"step 1", "there is no such step"}},
	} {
		w, err := Replay(s, Options{}, c.choices)
		if err == nil {
			t.Errorf("%s: taken for a witness\n%v", c.why, w)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q, want %q in it", c.why, err, want)
			}
		}
	}
	if _, err := Replay(protocol.DefaultSubject(), Options{}, good); err == nil || !strings.Contains(err.Error(), "there is no such step") {
		t.Errorf("the mutant's witness is one of the kernel's protocol: error %v", err)
	}
}

// TestReplayEveryStepMatters: a witness of which any one step is left out is none.
func TestReplayEveryStepMatters(t *testing.T) {
	s := mutant(t, "no-grace")
	good := check(t, s, Options{}).Witness.Choices()
	for i := range good {
		less := append(append([]witness.Choice(nil), good[:i]...), good[i+1:]...)
		if w, err := Replay(s, Options{}, less); err == nil {
			t.Errorf("without step %d (%v):\n%v", i+1, good[i].Action.Do, w)
		}
	}
}

// TestReplayProgress: a lasso is taken again, and what only looks like one is refused.
func TestReplayProgress(t *testing.T) {
	o := Options{Progress: true}
	for _, name := range []string{"wait-inside", "quiet-grace"} {
		s := needy(t, name)
		s.Method = protocol.Methods()[1]
		found := check(t, s, o).Witness
		w, err := replayedOf(t, s, o, found)
		if err != nil {
			t.Errorf("%s: %v\n%v", name, err, found)
			continue
		}
		if diff := cmp.Diff(found, w); diff != "" {
			t.Errorf("%s: (-found +taken again):\n%s", name, diff)
		}
		refuses := func(why, want string, o Options, choices []witness.Choice) {
			t.Helper()
			if w, err := Replay(s, o, choices); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %s: error %v, want %q in it\n%v", name, why, err, want, w)
			}
		}
		good := found.Choices()
		refuses("it is not asked for", "progress is not judged", Options{Threads: 2}, good)
		refuses("something else is asked", "progress is not judged", Options{Progress: true, Only: protocol.NeverA}, good)
		refuses("a step too few", "do not lead back", o, good[:len(good)-1])
		first := len(good) - found.Cycle
		lone := append([]witness.Choice(nil), good...)
		lone[first-1].Round = true
		refuses("a step of the stem repeats", "do not lead back", o, lone)
		lone[first].Round = false
		refuses("a step stands after", "does not repeat for ever", o, lone)
		plain := append([]witness.Choice(nil), good...)
		for i := range plain {
			plain[i].Round = false
		}
		refuses("no step repeats", "breaks nothing that is judged", o, plain)
	}
}

// TestReplayUnfair: that thread 1 goes round for ever holds up a wait for thread 0 only if
// thread 0 never gets to run; and where no operation is in progress it holds up none.
func TestReplayUnfair(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Method = protocol.Methods()[1]
	const file = `[
{"actor": "mutator", "do": "call", "op": "install", "key": 0, "program": 0},
{"actor": "mutator", "do": "publish", "program": 0},
{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p0", "step": "all"},
{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p0", "step": "sync"},
{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "nop", "step": "all"},
{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "nop", "step": "sync"},
{"actor": "mutator", "do": "return", "op": "install", "key": 0},
{"actor": "mutator", "do": "call", "op": "remove", "key": 0},
{"actor": "mutator", "do": "publish"},
{"actor": "thread 0", "do": "enter"},
{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "jump-out", "step": "all"},
{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "jump-out", "step": "sync"},
{"actor": "mutator", "do": "wait"},
{"actor": "thread 1", "do": "enter", "round": true},
{"actor": "thread 1", "do": "fetch", "site": 0, "slot": "bypass", "text": "jump-out", "round": true},
{"actor": "thread 1", "do": "leave", "round": true}]`
	var steps []witness.Choice
	if err := json.Unmarshal([]byte(file), &steps); err != nil {
		t.Fatal(err)
	}
	alone := append([]witness.Choice(nil), steps[13:]...)
	for i := range alone {
		alone[i].Actor.Index = 0
	}
	for threads, list := range map[int][]witness.Choice{1: alone, 2: steps} {
		w, err := Replay(s, Options{Threads: threads, Progress: true}, list)
		if err == nil || !strings.Contains(err.Error(), "hold up no operation") {
			t.Errorf("%d threads: error %v\n%v", threads, err, w)
		}
	}
}

// TestReplayOptions: faults in what is asked are told as Check tells them.
func TestReplayOptions(t *testing.T) {
	steps := []witness.Choice{by(witness.Thread, 0, witness.Act(witness.Enter))}
	if _, err := Replay(protocol.DefaultSubject(), Options{Only: "nonsense"}, steps); err == nil {
		t.Error("a property that is not asked for is judged")
	}
	if _, err := Replay(protocol.DefaultSubject(), Options{Threads: maxThreads + 1}, steps); err == nil {
		t.Error("more threads than fit")
	}
	if _, err := Replay(protocol.DefaultSubject(), Options{Threads: -1}, steps); err == nil {
		t.Error("fewer threads than none")
	}
}
