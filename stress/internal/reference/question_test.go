package reference

import (
	"slices"

	"tailpoke/patcher/protocol"
)

// A question is a subject as the interpreter is asked about it.
type question struct {
	protocol protocol.Protocol
	method   protocol.Method
	grace    protocol.GraceKind

	threads, sites, keys, programs int
	kind                           int // of readers, that of the first thread; the next one is of the next

	indirect indirect // which executions read a key of the map while they run

	// most is how many operations there are, 0 for any number.
	most int
	// again says that a program which was freed may be loaded and given to a key again.
	again bool
	// atCall says that a key holds what it is given as soon as the operation is called, and not
	// once the map's pointer names it. Where executions read the pointer, that is so in any case of
	// operations that never publish.
	atCall bool
	// judged are the properties that end an execution.
	judged []protocol.Property

	maxStates int
}

// An indirect says which executions read the map's pointer, and jump to what it names.
type indirect int8

const (
	nobody indirect = iota
	may             // any that has just entered, of any key, instead of its first site
	first           // each of them, of key 0, before its first site
)

// An answer is what all executions together show.
type answer struct {
	// nearest has for every property that some execution breaks first the steps of a shortest
	// such execution.
	nearest map[protocol.Property]int
	states  int
	bounded bool // there are more states than were asked for
}

func (a answer) violated() bool { return len(a.nearest) > 0 }

// properties lists what is broken, in the order of the alphabet.
func (a answer) properties() []protocol.Property {
	var out []protocol.Property
	for p := range a.nearest {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// depth is the length of a shortest execution that breaks anything; 0 if none does.
func (a answer) depth() int {
	least := 0
	for _, n := range a.nearest {
		if least == 0 || n < least {
			least = n
		}
	}
	return least
}

// An interpreter goes through all executions of a question, breadth first.
type interpreter struct {
	question
	seen  map[state]bool
	next  []state // found in this round, for the next one
	steps int     // of the executions that are looked at in this round
	out   answer
}

// ask answers a question.
func ask(q question) answer {
	in := &interpreter{question: q, seen: map[state]bool{}}
	in.out.nearest = map[protocol.Property]int{}
	in.keep(q.start())
	for len(in.next) > 0 {
		round := in.next
		in.next = nil
		in.steps++
		for _, s := range round {
			in.mutator(s)
			in.retired(s)
			for i := range in.threads {
				in.thread(s, i)
			}
		}
		if in.out.bounded = q.maxStates > 0 && len(in.seen) > q.maxStates; in.out.bounded {
			break
		}
	}
	in.out.states = len(in.seen)
	return in.out
}

// keep notes a state that a step leads to.
func (in *interpreter) keep(s state) {
	if !in.seen[s] {
		in.seen[s] = true
		in.next = append(in.next, s)
	}
}

// breaks notes that a step breaks a property, and reports whether the execution ends with that.
func (in *interpreter) breaks(p protocol.Property) bool {
	if !slices.Contains(in.judged, p) {
		return false
	}
	if _, known := in.out.nearest[p]; !known {
		in.out.nearest[p] = in.steps
	}
	return true
}
