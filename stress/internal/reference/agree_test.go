package reference

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

var (
	subjects = flag.Int("subjects", 0, "how many random subjects are judged; 0: what CI has time for")
	seed     = flag.Uint64("seed", seedInCI, "of the random subjects")
)

// How many random subjects are judged where no flag says. scripts/nightly judges 1,000.
const (
	inCI     = 48
	inShort  = 6
	many     = 500 // break every property, whatever the seed
	seedInCI = 1
)

// Bounds of a question.
const (
	machineOps = 3       // of the machine, as the command asks it
	mostStates = 300_000 // of the interpreter
)

// TestAgree has model, machine and interpreter judge random subjects, each made from texts alone.
func TestAgree(t *testing.T) {
	n := *subjects
	switch {
	case n > 0:
	case testing.Short():
		n = inShort
	default:
		n = inCI
	}
	var c comparison
	for i := range n {
		c.subject(t, generated(t, *seed, i))
	}
	t.Logf("%d random subjects of seed %#x: %v", n, *seed, &c)
	c.telling(t, n)
}

// A comparison counts what was found of subjects.
type comparison struct {
	machine machine

	proved, violated      int // by the model, and by the interpreter
	safe, found           int // by the machine, and by the interpreter: of callers
	breaks                map[protocol.Property]int
	kinds                 [2]int // of several kinds of readers: proved, violated
	vacuousModel          int    // proofs without an install, an update or a remove
	vacuousMachine        int    // no thread took a tail call
	bounded               int    // nobody answers
	unjudged, late, apart int    // see [comparison.both]
}

func (c *comparison) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the model proves %d (%d without some operation) and finds %d violated, "+
		"the machine finds %d callers safe (%d without a tail call) and %d violated, "+
		"%d are bounded. ",
		c.proved, c.vacuousModel, c.violated, c.safe, c.vacuousMachine, c.found, c.bounded)
	fmt.Fprintf(&b, "Of those that the model alone finds, %d break what the machine does not judge, "+
		"%d need more operations; %d never publish and are asked two different questions. "+
		"Subjects that break a property:", c.unjudged, c.late, c.apart)
	for _, p := range modelJudges {
		fmt.Fprintf(&b, " %s %d", p, c.breaks[p])
	}
	return b.String()
}

// telling fails unless verdicts of both kinds and violations of every property are among them. A
// few subjects are no sample.
func (c *comparison) telling(t *testing.T, n int) {
	t.Helper()
	if n < inCI {
		return
	}
	if c.proved < n/4 || c.violated < n/4 || c.safe < n/4 || c.found < n/4 {
		t.Error("too few verdicts of one kind")
	}
	if c.kinds[0] == 0 || c.kinds[1] == 0 {
		t.Errorf("with kinds of readers the model proves %d and finds %d violated", c.kinds[0], c.kinds[1])
	}
	if c.vacuousModel > n/10 || c.vacuousMachine > n/10 || c.bounded > n/50 {
		t.Error("too many subjects without an answer")
	}
	if c.late > n/20 || c.apart > n/20 {
		t.Error("too many subjects of which model and machine say different things")
	}
	for _, p := range modelJudges {
		if c.breaks[p] == 0 && (*seed == seedInCI || n >= many) {
			t.Errorf("no subject breaks %s", p)
		}
	}
}

// subject has all three judge one subject. What they say must be alike.
func (c *comparison) subject(t *testing.T, s subject) {
	t.Helper()
	q := s.askedOfModel(1)
	q.maxStates = mostStates
	model := ask(q)
	machine := answer{nearest: map[protocol.Property]int{}, bounded: model.bounded}
	for _, of := range s.callers() {
		q := of.askedOfMachine(s.threads, machineOps)
		q.maxStates = mostStates
		a := ask(q)
		if machine.bounded = machine.bounded || a.bounded; machine.bounded {
			c.bounded++
			return
		}
		c.againstMachine(t, of, a)
		maps.Copy(machine.nearest, a.nearest)
	}
	c.againstModel(t, s, model)
	c.both(t, s, model, machine)
}

// callers are the subjects that the machine is asked about. In the model an execution begins with
// an indirect site or with the first direct one, and what breaks a property is one execution. The
// machine has programs, each of which begins in one way.
func (s subject) callers() []subject {
	if !s.indirect {
		return []subject{s}
	}
	direct := s
	direct.indirect = false
	return []subject{s, direct}
}

// againstModel holds the interpreter's answer against the model's: the verdict, every property,
// and the lengths of the shortest executions.
func (c *comparison) againstModel(t *testing.T, s subject, a answer) {
	t.Helper()
	r := s.model(t, "")
	if len(s.parsed.Readers) > 1 {
		if r.Verdict == protocol.Proved {
			c.kinds[0]++
		} else {
			c.kinds[1]++
		}
	}
	switch {
	case r.Verdict == protocol.Proved && !a.violated():
		if c.proved++; r.Reached.Unexplored() != "" {
			c.vacuousModel++
		}
		return // nothing is left to find of one property alone
	case r.Verdict == protocol.Violated && a.violated():
		c.violated++
	default:
		t.Errorf("the model: %s %s in %d steps; the interpreter: %v\n%v",
			r.Verdict, r.Property, r.Depth, a.nearest, s)
		return
	}
	if !s.comparable(r.Depth, a.depth()) {
		t.Errorf("a shortest execution has %d steps in the model, %d in the interpreter\n%v",
			r.Depth, a.depth(), s)
	}
	if c.breaks == nil {
		c.breaks = map[protocol.Property]int{}
	}
	for _, p := range modelJudges {
		only := s.model(t, p)
		steps, broken := a.nearest[p]
		if broken {
			c.breaks[p]++
		}
		same := broken == (only.Verdict == protocol.Violated)
		if !same || broken && !s.comparable(only.Depth, steps) {
			t.Errorf("%s alone: the model: %s in %d steps; the interpreter: %v\n%v",
				p, only.Verdict, only.Depth, a.nearest, s)
		}
	}
}

// comparable reports whether two lengths may be those of one execution. The step "bytes" is two of
// the model's.
func (s subject) comparable(model, interpreter int) bool {
	return model == interpreter || strings.Contains(s.method, "bytes") && model > interpreter
}

// againstMachine holds the interpreter's answer against the machine's: the verdict, and every
// property that the interpreter finds.
func (c *comparison) againstMachine(t *testing.T, s subject, a answer) {
	t.Helper()
	r := c.machine.check(t, s, s.threads, machineOps)
	holds := r.Verdict == protocol.Safe || r.Verdict == protocol.Vacuous
	switch {
	case holds && !a.violated():
		if c.safe++; r.Verdict == protocol.Vacuous {
			c.vacuousMachine++
		}
	case r.Verdict == protocol.Violated && slices.Contains(a.properties(), r.Property):
		c.found++
	default:
		t.Errorf("the machine: %s %s %s; the interpreter: %v\n%v",
			r.Verdict, r.Property, r.Reason, a.nearest, s)
	}
	for _, p := range a.properties() {
		if p == r.Property {
			continue
		}
		only := c.machine.check(t, s, s.threads, machineOps, p)
		if only.Verdict != protocol.Violated {
			t.Errorf("%s alone: the machine: %s %s; the interpreter: %v\n%v",
				p, only.Verdict, only.Reason, a.nearest, s)
		}
	}
}

// both holds the two answers against each other, which the engines gave as well. They may differ
// where the questions do, and only there.
func (c *comparison) both(t *testing.T, s subject, model, machine answer) {
	t.Helper()
	if model.violated() == machine.violated() {
		return
	}
	judged := slices.ContainsFunc(model.properties(), func(p protocol.Property) bool {
		return slices.Contains(machineJudges, p)
	})
	switch {
	case s.neverPublishes && !s.indirect:
		c.apart++
	case machine.violated():
		t.Errorf("the machine finds what the model does not: %v\n%v", machine.nearest, s)
	case !judged:
		c.unjudged++
	case slices.ContainsFunc(s.callers(), func(s subject) bool {
		return ask(s.askedOfMachine(1, 0)).violated()
	}):
		c.late++
	default:
		t.Errorf("the model finds what the machine does not: %v\n%v", model.nearest, s)
	}
}
