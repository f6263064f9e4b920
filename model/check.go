package model

import (
	"cmp"
	"fmt"
	"runtime"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// DefaultMaxStates bounds an exploration that sets no bound: 1 to 1.5 GB.
const DefaultMaxStates = 10_000_000

// mostStates is the greatest bound: beyond it a shard could run out of numbers.
const mostStates = 1<<31 - 1

// Options says how a subject is checked. The zero value is the usual check.
type Options struct {
	// Threads is how many threads are explored, 0 for as many as prove the subject for
	// any number (see the package document), which is one but for some faults of progress;
	// more are for the doubtful.
	Threads int
	// MaxStates bounds the states, 0 for [DefaultMaxStates]. It is looked at between
	// batches and so may be passed by a few thousand.
	MaxStates int
	// Workers is how many goroutines explore, 0 for one per processor. Nothing in the
	// result depends on it.
	Workers int
	// NoSymmetry tells states apart that differ by a permutation of the threads alone, or
	// of the programs, or of keys without a site, or by which of two idle mutators calls.
	NoSymmetry bool
	// Progress judges whether operations end, too, once all executions are explored and
	// broke nothing. Several threads are then told apart as by NoSymmetry.
	Progress bool
	// Stop, if set, is told between batches how far the check is; once it returns true,
	// the check ends with the verdict bounded.
	Stop func(Far) bool
	// Only is the property that is judged, "" for all. An execution still ends where it
	// breaks another one: what comes after has no meaning.
	Only protocol.Property
}

// Far is how far a check is.
type Far struct {
	States int // found
	Level  int // states as far away as those that are at hand
	Depth  int // how many steps that is
}

// A Result is what a check found. It is the same in every run.
type Result struct {
	// Verdict is proved, violated or bounded. A complete exploration is a proof, so
	// that this engine never says safe.
	Verdict  protocol.Verdict
	Property protocol.Property // what is violated
	Witness  *witness.Witness  // of a violation: a shortest one

	States      uint64 // distinct states found
	Transitions uint64 // moves out of the states that were expanded
	Depth       int    // steps of the witness, else the most that a state is away
	Threads     int    // how many were explored; proved holds for any number
	Reached     Reached
}

// Reached counts what an exploration met: a proof that never saw a trap says nothing
// of traps. States are counted as they are expanded, steps as transitions.
type Reached struct {
	A, B, C, D uint64 // states in which the memory of a site shows it, summed over sites
	Between    uint64 // the same, when a slot of the site is int3 or partly written

	Installs, Updates, Removes uint64 // calls
	Pokes, NothingToDo         uint64 // micro-steps of pokes; pokes that changed nothing
	Waits, WaitsSkipped        uint64 // grace periods that were begun; those "if changed" that were not
	Blocked                    uint64 // states in which a wait had a reader to wait for
	Frees                      uint64 // at once or after a grace period

	Enters, Fetches uint64 // of threads
	Traps           uint64 // fetches of int3
	LateTraps       uint64 // answered when the poke was over
	Reads           uint64 // of a key by an indirect site
	Loads, Unloads  uint64 // of copies
	Passed          uint64 // descriptors that operations passed by, for they were not stable
	Runs            uint64 // executions in a program, to its end
	Backs           uint64 // returns of a program into the caller
	Arrivals        uint64 // loads of programs that have sites
}

// Unexplored names an operation that no execution contains, as updates with a single program
// are none; "" if all were explored. A proof without one would prove less than it says.
func (r Reached) Unexplored() string {
	switch {
	case r.Installs == 0:
		return "no installs were explored"
	case r.Updates == 0:
		return "no updates were explored"
	case r.Removes == 0:
		return "no removes were explored"
	}
	return ""
}

// Check explores every execution of the subject and judges its properties. Its error
// is [ErrUnsupported] or a fault in the options; a violation is none.
func Check(s protocol.Subject, o Options) (*Result, error) {
	only, err := o.complete(s.Grace.Kind)
	if err != nil {
		return nil, err
	}
	sys, err := newSystem(s, o.Threads, !o.NoSymmetry && !(o.Progress && o.Threads > 1))
	if err != nil {
		return nil, err
	}
	if !o.NoSymmetry {
		sys.alike, sys.alikeKeys = programsAlike(s.Shape), sys.firstAlike()
	}
	most := cmp.Or(o.MaxStates, DefaultMaxStates)
	workers := cmp.Or(o.Workers, runtime.GOMAXPROCS(0))
	if most < 0 || most > mostStates || workers < 0 {
		return nil, fmt.Errorf("model: options out of range: %+v", o)
	}
	explore := func() (*explorer, outcome) {
		e := newExplorer(sys, only, workers, most)
		e.stop = o.Stop
		return e, e.run()
	}
	e, out := explore()
	r := e.result(out)
	if o.Progress && r.Verdict == protocol.Proved {
		e.judgeProgress(r)
	}
	if r.Property == protocol.Progress && (sys.alike || sys.alikeKeys < sys.shape.Keys) {
		// After a cycle programs, or keys, may have changed places, so that it is not closed.
		sys.alike, sys.alikeKeys = false, sys.shape.Keys
		e, out = explore()
		if r = e.result(out); r.Verdict == protocol.Proved {
			e.judgeProgress(r)
		}
	}
	return r, nil
}

// judgeProgress puts into a result what is found of operations that never end.
func (e *explorer) judgeProgress(r *Result) {
	switch l, stopped := e.stuck(); {
	case stopped:
		r.Verdict = protocol.Bounded
	case l != nil:
		r.Verdict, r.Property = protocol.Violated, protocol.Progress
		r.Witness = e.lassoWitness(l)
		r.Depth = len(r.Witness.Steps)
	}
}

// complete fills in what the options leave open, and returns the fault that alone is judged, noFault
// for all.
func (o *Options) complete(g protocol.GraceKind) (only fault, err error) {
	if o.Only != "" {
		if only = faultOf(o.Only); only >= faults {
			return 0, fmt.Errorf("model: does not judge the property %q", o.Only)
		}
	}
	o.Progress = o.Progress || only == stuck
	enough := 1 // threads stand for any number
	if o.Progress && g == protocol.GraceQuiet {
		enough = 2
	}
	o.Threads = cmp.Or(o.Threads, enough)
	return only, nil
}

func (e *explorer) result(out outcome) *Result {
	var c counts
	for _, w := range e.workers {
		c.add(&w.counts)
	}
	r := &Result{
		Verdict: protocol.Proved,
		States:  uint64(e.states()), Depth: out.depth, Threads: e.sys.shape.Threads,
	}
	for _, n := range c.moves {
		r.Transitions += n
	}
	e.reached(&r.Reached, &c)
	switch {
	case out.broken != noFault:
		r.Verdict, r.Property = protocol.Violated, faultProperties[out.broken]
		r.Witness = e.witness(out.violation)
		r.Depth = len(r.Witness.Steps)
	case out.bounded:
		r.Verdict = protocol.Bounded
	}
	return r
}

func (e *explorer) reached(r *Reached, c *counts) {
	l := &c.letters
	r.A, r.B, r.C, r.D, r.Between = l[letterA], l[letterB], l[letterC], l[letterD], l[letterBetween]
	m := &c.moves
	r.Pokes, r.NothingToDo = m[movePoke], m[moveNoPoke]
	r.Waits, r.WaitsSkipped, r.Blocked = m[moveWait]+m[moveForget], m[moveNoWait], c.blocked
	r.Frees = m[moveFree] + m[moveReclaim]
	r.Enters, r.Fetches, r.Runs = m[moveEnter], m[moveFetch]+m[moveTrap]+m[moveTorn], m[moveRun]
	r.Reads, r.Passed, r.Backs = m[moveRead], m[movePass], m[moveBack]
	r.Arrivals = m[moveArrive]
	r.Loads, r.Unloads = m[moveLoad], m[moveUnload]
	r.Traps, r.LateTraps = m[moveTrap], m[moveLate]
	r.Installs, r.Updates, r.Removes = m[moveInstall], m[moveUpdate], m[moveRemove]
}
