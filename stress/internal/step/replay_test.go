package step

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/layouttest"
	"tailpoke/stress/internal/sim"
	"tailpoke/stress/report"
)

const (
	noGrace = `protocol no-grace
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump; target=nop }; retire`
	sleepable = `protocol sleepable
  reader   plain: rcu, tasks-trace
  reader   sleepable: tasks-trace
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire tasks-trace
  remove   publish; each { bypass=jump; wait rcu if changed; target=nop }; retire tasks-trace`
	lateOpen = `protocol late-open
  install  publish; each { bypass=nop; target=jump }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump; wait; target=nop }; retire`
	freeNow = `protocol free-now
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; free
  remove   publish; each { bypass=jump; wait; target=nop }; free`
)

// TestViolationsAreSeen has a witness of every property, in the ways in which it can be broken.
func TestViolationsAreSeen(t *testing.T) {
	base := config(t)
	other := func(change func(*sim.Config)) sim.Config {
		c := base
		c.Programs = slices.Clone(c.Programs)
		change(&c)
		return c
	}
	for _, tt := range []struct {
		name       string
		c          sim.Config
		property   protocol.Property
		outcome    report.StepOutcome
		text       string // of the result
		seen, then string
	}{
		{"no grace period", withProtocol(t, base, noGrace), protocol.NeverA, report.Taken,
			"", "falls through", "are not the caller's"},
		{"a reader of another kind", withProtocol(t, base, sleepable), protocol.NeverA, report.Taken,
			"", "falls through", "are not the caller's"},
		{"freed for another kind", withProtocol(t, base, strings.Replace(sleepable, "retire tasks-trace\n", "retire rcu\n", 1)), protocol.NoUseAfterFree, report.Taken,
			"", "which has been freed: all its bytes are int3", "with signal 5"},
		{"open first", withProtocol(t, base, lateOpen), protocol.NeverA, report.Taken,
			"", "stands at the target entry+0x", "are not the caller's"},
		{"freed at once", withProtocol(t, base, freeNow), protocol.NoUseAfterFree, report.Taken,
			"", "which has been freed: all its bytes are int3", "with signal 5"},
		{"freed at once, indirect", withProtocol(t, other(func(c *sim.Config) { c.Entry, c.Outcomes = indirect(t), []uint64{7, 1, 2} }), freeNow), protocol.NoUseAfterFree, report.Taken,
			"", "which has been freed: all its bytes are int3", "with signal 5"},
		{"freed with sites of its own", withProtocol(t, other(func(c *sim.Config) {
			c.Programs[0] = caller(t, "p0", 1)
		}), freeNow), protocol.NoUseAfterFree, report.Taken,
			"", "which has been freed", "with signal 5"},
		{"a word, in two", withMethod(t, other(func(c *sim.Config) { c.Straddle = true }), "method word\n all; sync"), protocol.NoTorn, report.NotForced,
			"which package text refuses: install of key 0", "", ""},
		{"head first", withMethod(t, base, "method head-first\n head=new; sync; tail; sync"), protocol.NoTorn, report.Taken,
			"", "which never was an instruction of that slot", "thread 0 "},
		{"byte by byte", withMethod(t, base, "method bytes\n bytes; sync"), protocol.NoTorn, report.NotForced,
			"fetches a mixture of old bytes and new ones at entry+0x", "", ""},
		{"without the first sync", withMethod(t, base, "method m\n head=int3; tail; sync; head=new; sync"), protocol.NoTorn, report.NotForced,
			"fetches a mixture of old bytes and new ones", "", ""},
		{"an old instruction", withMethod(t, withProtocol(t, base, noGrace), "method m\n head=int3; sync; tail; sync; head=new"), protocol.NeverA, report.Taken,
			"", "falls through", "are not the caller's"},
		{"left with an int3", withMethod(t, base, "method m\n head=int3; sync; tail; head=new; head=int3; sync"), protocol.NoTorn, report.Taken,
			"", "and no poke answers for it", ""},
		{"left with an int3, poked again", withScript(t, withMethod(t, other(func(c *sim.Config) {
			c.Properties = []protocol.Property{protocol.ExpectedBytes}
		}), "method m\n head=int3; sync; tail; head=new; head=int3; sync"), "put 0 0\ndelete 0"), protocol.ExpectedBytes, report.Taken,
			"", "expected 0f 1f 44 00 00, found cc", ""},
		{"registers", withScript(t, withProtocol(t, other(func(c *sim.Config) {
			c.Properties = []protocol.Property{protocol.Registers}
		}), lateOpen), "put 0 0"), protocol.Registers, report.NotForced,
			"a CPU carries that out without a word", "", ""},
		{"a value of nobody's", other(func(c *sim.Config) { c.Outcomes = []uint64{100, 1} }), protocol.Registers, report.Taken,
			"", "has returned 0x2, which no path of the programs gives", ""},
		{"retried", withProtocol(t, withMethod(t, base, "method retry\n trap=retry; head=int3; sync; tail; sync; head=new; sync"), noGrace), protocol.NeverA, report.Taken,
			"", "falls through", "are not the caller's"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := witnessOf(t, tt.c)
			r := carriedOut(t, tt.c, w)
			if w.Property != tt.property || r.Outcome != tt.outcome || !strings.Contains(r.Text, tt.text) ||
				!strings.Contains(r.Seen, tt.seen) || !strings.Contains(r.Then, tt.then) {
				t.Errorf("%s: %+v\n%v", w.Property, r, w)
			}
			if full := r.Taken == r.Steps; full != (r.Outcome == report.Taken) {
				t.Errorf("%d of %d steps taken: %s", r.Taken, r.Steps, r.Outcome)
			}
		})
	}
}

// TestLayouts executes whole programs of every layout, tail calls taken and not: that they return at all is
// made the violation.
func TestLayouts(t *testing.T) {
	base := config(t)
	base.Script, base.Outcomes = protocol.Script{}, []uint64{12345}
	for _, l := range layouttest.All(t) {
		for name, entry := range map[string]*jit.Program{"direct": caller(t, "entry", 1), "indirect": indirect(t)} {
			for _, held := range [][]int{nil, {0}, {1}} {
				c := base
				c.Layout, c.Entry, c.Held = l, entry, held
				if r := carriedOut(t, c, witnessOf(t, c)); r.Outcome != report.Taken {
					t.Errorf("%s, %s, holding %v: %+v", l.Name, name, held, r)
				}
			}
		}
	}
}

// TestFreedInTheMidst has a program with sites of its own freed while an operation is in progress.
func TestFreedInTheMidst(t *testing.T) {
	c := withScript(t, withProtocol(t, config(t), `protocol p
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire
  remove   publish; retire; each { bypass=jump; wait; target=nop }`), "put 0 0\ndelete 0")
	c.Programs[0] = caller(t, "p0", 1)
	r := carriedOut(t, c, witnessOf(t, c))
	if r.Outcome != report.NotForced || !strings.Contains(r.Text, "frees p0 in the midst of an operation") {
		t.Errorf("%+v", r)
	}
}

// TestStaleFetchIsNotForced has the thread fetch the open bypass when memory holds an int3 already.
func TestStaleFetchIsNotForced(t *testing.T) {
	c := withProtocol(t, config(t), noGrace)
	fresh := witnessOf(t, c)
	choices := fresh.Choices()
	passes, closes := -1, -1
	for i, c := range choices {
		switch a := c.Action; {
		case a.Slot != protocol.Bypass:
		case a.Do == witness.Fetch && a.Text.Head == protocol.HeadNop:
			passes = i
		case a.Do == witness.Store && a.To.Head == protocol.HeadJump && a.Step.From == protocol.FromTrap:
			closes = i
		}
	}
	if passes < 0 || passes > closes {
		t.Fatalf("the thread passes the bypass in step %d, which is closed in step %d:\n%v", passes+1, closes+1, fresh)
	}
	pass := choices[passes]
	choices = slices.Insert(slices.Delete(choices, passes, passes+1), closes, pass)
	w, err := sim.Replay(c, choices)
	if err != nil {
		t.Fatal(err)
	}
	r := carriedOut(t, c, w)
	if r.Outcome != report.NotForced || r.Taken != closes || !strings.Contains(r.Text, "that memory does not hold any more (0f 1f 44 00 00, and memory holds cc 1f 44 00 00)") {
		t.Errorf("%+v\n%v", r, w)
	}
}

// TestDifferencesAreSeen tampers with witnesses that can be carried out: what is wrong is named.
func TestDifferencesAreSeen(t *testing.T) {
	c := withProtocol(t, config(t), noGrace)
	good := witnessOf(t, c)
	// The first step of a thread that names registers, and the last of the mutator.
	named := slices.IndexFunc(good.Steps, func(s witness.Step) bool { return s.Code != nil && len(s.Code.Regs) > 0 })
	poke := 0
	for i, s := range good.Steps {
		if s.Actor.Kind == witness.Mutator {
			poke = i
		}
	}
	enters := slices.IndexFunc(good.Steps, func(s witness.Step) bool { return s.Action.Do == witness.Enter })
	fetches := slices.IndexFunc(good.Steps, func(s witness.Step) bool { return s.Action.Do == witness.Fetch })
	middle := witness.Position{Place: witness.InCode, Off: 1} // of the entry
	put := protocol.Call{Kind: protocol.Put}
	for name, tt := range map[string]struct {
		tamper func(s []witness.Step)
		want   string
	}{
		"register": {func(s []witness.Step) { s[named].Code.Regs[0].Value++ }, " = 0x"},
		"unknown":  {func(s []witness.Step) { s[named].Code.Regs[0].Name = "eax" }, `a register "eax"`},
		"place":    {func(s []witness.Step) { s[named].Code.At = middle }, "the witness at entry+0x1"},
		"count":    {func(s []witness.Step) { s[enters].Code.Count-- }, "after "},
		"position": {func(s []witness.Step) { s[enters].View.Threads[s[enters].Actor.Index] = middle }, "the witness is at entry+0x1"},
		"idle":     {func(s []witness.Step) { s[enters].View.Threads[s[enters].Actor.Index].Place = witness.Idle }, "the witness is at idle"},
		"trapped":  {func(s []witness.Step) { s[enters].View.Threads[s[enters].Actor.Index].Trapped = true }, ", trapped"},
		"bytes":    {func(s []witness.Step) { s[enters].Code.Bytes[0]++ }, "the bytes at entry+0x0 are "},
		"fetch":    {func(s []witness.Step) { s[fetches].Action.Text.Tail = 7 }, "never holds "},
		"slot": {func(s []witness.Step) {
			s[poke].View.Sites[0].Slots[protocol.Target].SlotText = protocol.TextOf(protocol.Target, protocol.Jump, 2)
		}, ": holds "},
		"half a slot": {func(s []witness.Step) {
			s[poke].View.Sites[0].Slots[protocol.Target] = witness.SlotView{Bytes: []byte{1, 2, 3, 4, 5}}
		}, "which is made of no instructions of the slot"},
		"action": {func(s []witness.Step) { s[0].Action.Do = witness.NoWait }, "the patcher has done "},
		"over":   {func(s []witness.Step) { s[0].Action.Do = witness.Nothing; s[1].Call = &put }, "the patcher has done "},
		"freed":  {func(s []witness.Step) { s[0].Frees = []int{1} }, "p0 is not freed within"},
	} {
		t.Run(name, func(t *testing.T) {
			w := *good
			w.Steps = nil
			for _, s := range good.Steps {
				if s.Code != nil {
					code := *s.Code
					code.Regs, code.Bytes = slices.Clone(code.Regs), slices.Clone(code.Bytes)
					s.Code = &code
				}
				s.View.Threads, s.View.Sites = slices.Clone(s.View.Threads), slices.Clone(s.View.Sites)
				for i := range s.View.Sites {
					s.View.Sites[i].Slots = slices.Clone(s.View.Sites[i].Slots)
				}
				w.Steps = append(w.Steps, s)
			}
			tt.tamper(w.Steps)
			tampered := newReplay(c, &w)
			tampered.limit = 100 * time.Millisecond
			r := run(t, tampered)
			if r.Outcome != report.Differs || !strings.HasPrefix(r.Text, "step ") || !strings.Contains(r.Text, tt.want) {
				t.Errorf("%+v, want %q", r, tt.want)
			}
		})
	}
}

// TestGracePeriodsAreCompared carries witnesses out under another flavour of grace periods.
func TestGracePeriodsAreCompared(t *testing.T) {
	c := config(t)
	epoch, sleep := c.Subject.Grace, protocol.Grace{Name: "sleep", Kind: protocol.GraceSleep}
	c.Subject.Grace = sleep
	w := witnessOf(t, c)
	if r := carriedOut(t, c, w); r.Outcome != report.Taken {
		t.Errorf("%+v", r)
	}
	c.Subject.Grace = epoch
	blocked := newReplay(c, w)
	blocked.limit = 100 * time.Millisecond
	r := run(t, blocked)
	if r.Outcome != report.Differs || !strings.Contains(r.Text, "the grace period does not end within 100ms, the witness's has ended") &&
		!strings.Contains(r.Text, "is not freed within 100ms, the witness's is") {
		t.Errorf("%+v", r)
	}
}

// TestKindsAreCompared carries a witness out in which a wait lets a sleepable reader be, by a patcher
// that waits for it, and one in which the flavour forgets a reader of a kind that has another one.
func TestKindsAreCompared(t *testing.T) {
	c := withProtocol(t, config(t), sleepable)
	w := witnessOf(t, c)
	c.Subject.Protocol.Ops[protocol.Remove][1].Body[1].Grace = protocol.TasksTrace
	blocked := newReplay(c, w)
	blocked.limit = 100 * time.Millisecond
	if r := run(t, blocked); r.Outcome != report.Differs ||
		!strings.Contains(r.Text, "the grace period does not end within 100ms, the witness's has ended") {
		t.Errorf("%+v", r)
	}
	// The flavour forgets plain readers alone. In the one a plain reader is to blame, in the other a
	// sleepable one, of which the wait knows nothing.
	for remove, last := range map[string]int{"wait; wait srcu": 0, "wait epoch": 1} {
		c := withProtocol(t, config(t), `protocol p
  reader   plain: epoch
  reader   sleepable: srcu
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump; `+remove+`; target=nop }; retire`)
		c.Subject.Grace = protocol.Grace{Name: "forget-one", Kind: protocol.GraceForget}
		c.Properties = []protocol.Property{protocol.NeverA}
		w := witnessOf(t, c)
		if r := carriedOut(t, c, w); r.Outcome != report.Taken || accused(w) != last {
			t.Errorf("%s: %+v\n%v", remove, r, w)
		}
	}
}

// TestForgottenReader has either thread be the one that a faulty flavour forgets.
func TestForgottenReader(t *testing.T) {
	c := config(t)
	c.Subject.Grace = protocol.Grace{Name: "forget-one", Kind: protocol.GraceForget}
	w := witnessOf(t, c)
	choices := w.Choices()
	for i := range choices {
		if a := &choices[i].Actor; a.Kind == witness.Thread {
			a.Index = 1 - a.Index
		}
	}
	mirrored, err := sim.Replay(c, choices)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*witness.Witness{w, mirrored} {
		if r := carriedOut(t, c, w); r.Outcome != report.Taken {
			t.Errorf("%+v\n%v", r, w)
		}
	}
}

// act is something that the mutator does.
func act(do witness.Do) witness.Choice { return witness.Choice{Action: witness.Act(do)} }

// poke are the steps of a poke of the first site, with the first program.
func poke(c sim.Config, slot protocol.Slot, to protocol.Content) []witness.Choice {
	var out []witness.Choice
	for _, m := range c.Subject.Method.Steps {
		x := act(witness.Store)
		x.Action.Site, x.Action.Slot, x.Action.To, x.Action.Step = 0, slot, protocol.TextOf(slot, to, 1), m
		out = append(out, x)
	}
	return out
}

// TestPatcherThatDoesNotWait has a witness in which the mutator waits for a thread, carried out by a
// patcher that waits for nobody.
func TestPatcherThatDoesNotWait(t *testing.T) {
	c := withScript(t, config(t), "put 0 0\ndelete 0")
	c.Outcomes = []uint64{100} // so that a thread that takes the tail call breaks a property
	w := witnessOf(t, c)
	// Before that execution ends, the mutator finishes its install, begins to remove and comes to
	// its wait, and the other thread enters.
	choices := w.Choices()
	last := choices[len(choices)-1]
	choices = choices[:len(choices)-1]
	left := append(poke(c, protocol.Target, protocol.Jump), poke(c, protocol.Bypass, protocol.Nop)...)
	for _, c := range choices {
		if c.Action.Do == witness.Store {
			left = left[1:]
		}
	}
	choices = append(choices, left...)
	remove := act(witness.Publish)
	remove.Call = &protocol.Call{Kind: protocol.Delete}
	choices = append(append(choices, remove), poke(c, protocol.Bypass, protocol.Jump)...)
	enter := witness.Choice{Actor: last.Actor, Action: witness.Act(witness.Enter)}
	enter.Actor.Index = 1 - enter.Actor.Index
	choices = append(choices, act(witness.Wait), enter, last)
	w, err := sim.Replay(c, choices)
	if err != nil {
		t.Fatal(err)
	}
	if r := carriedOut(t, c, w); r.Outcome != report.Taken {
		t.Errorf("%+v", r)
	}
	// A wait that the text names is none of a flavour that waits for nobody.
	named := withProtocol(t, c, strings.Replace(c.Subject.Protocol.String(), "wait if", "wait epoch if", 1))
	named.Subject.Grace.Kind = protocol.GraceSleep
	for i := range choices {
		if choices[i].Action.Do == witness.Wait {
			choices[i].Action.Grace = protocol.Epoch
		}
	}
	w2, err := sim.Replay(named, choices)
	if err != nil {
		t.Fatal(err)
	}
	if r := carriedOut(t, named, w2); r.Outcome != report.Taken {
		t.Errorf("named: %+v", r)
	}
	for try := 1; ; try++ { // the patcher has to be quicker than the thread that enters
		hasty := newReplay(c, w)
		hasty.grace.Kind = protocol.GraceSleep
		r := run(t, hasty)
		if r.Outcome == report.Differs && strings.Contains(r.Text, "the witness waits for a grace period") {
			return
		}
		if try == 10 {
			t.Fatalf("%+v", r)
		}
	}
}

// TestHandlersRunTheByteAgain takes executions that are written by hand: a handler answers that the
// byte is to be run again, and one finds its poke over. That the new program is run is made the
// violation.
func TestHandlersRunTheByteAgain(t *testing.T) {
	const held = `
		{"actor": "thread 0", "do": "enter"}
		{"actor": "thread 0", "do": "fetch", "site": 0, "slot": "bypass", "text": "nop"}
		{"actor": "mutator", "do": "publish", "call": "put 0 1", "program": 2}
		{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p2", "step": "head=int3"}
		{"actor": "thread 0", "do": "trap", "site": 0, "slot": "target"}`
	const rest = `
		{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p2", "step": "sync"}
		{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p2", "step": "all"}
		{"actor": "thread 0", "do": "late", "site": 0, "slot": "target"}
		{"actor": "thread 0", "do": "fetch", "site": 0, "slot": "target", "text": "jump-p2"}
		{"actor": "thread 0", "do": "execute", "program": 2}`
	const again = `
		{"actor": "thread 0", "do": "retry", "site": 0, "slot": "target"}
		{"actor": "thread 0", "do": "trap", "site": 0, "slot": "target"}`
	c := withScript(t, withMethod(t, config(t), "method m\n trap=retry; head=int3; sync; all"), "put 0 1")
	c.Held, c.Outcomes = []int{0}, []uint64{1}
	for _, text := range []string{held + rest, held + again + rest} {
		var choices []witness.Choice
		for d := json.NewDecoder(strings.NewReader(text)); d.More(); {
			var x witness.Choice
			if err := d.Decode(&x); err != nil {
				t.Fatal(err)
			}
			choices = append(choices, x)
		}
		w, err := sim.Replay(c, choices)
		if err != nil {
			t.Fatal(err)
		}
		if r := carriedOut(t, c, w); r.Outcome != report.Taken {
			t.Errorf("%+v\n%v", r, w)
		}
	}
}

// TestViolationsMustBeThere ends a witness before its last steps: then there is nothing to be seen.
// After the last but one, the thread stands already where it must not go on.
func TestViolationsMustBeThere(t *testing.T) {
	c := withProtocol(t, config(t), lateOpen)
	good := witnessOf(t, c)
	seen := 0
	for n := 1; n < len(good.Steps)-1; n++ {
		if good.Steps[n-1].Actor.Kind != witness.Thread {
			continue
		}
		w := *good
		w.Steps = good.Steps[:n]
		r := carriedOut(t, c, &w)
		if r.Outcome != report.Differs || r.Taken != n-1 {
			t.Errorf("%d steps: %+v", n, r)
		}
		if strings.Contains(r.Text, "breaks nothing") {
			seen++
		}
	}
	if seen < 2 { // at the open slot, and by the handler's answer there
		t.Errorf("%d ends\n%v", seen, good)
	}
}
