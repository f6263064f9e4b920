package model

import "tailpoke/patcher/protocol"

// A move is one transition, without the states that it joins.
type move struct {
	kind  moveKind
	actor int8 // Mutator or a thread
	arg   int8 // the thread that is forgotten, the program that is reclaimed
}

type moveKind uint8

const (
	moveInstall      moveKind = iota // the mutator calls an install
	moveUpdate                       // an update
	moveRemove                       // a remove
	movePublish                      // it exchanges the map's pointer
	movePoke                         // a poke makes a micro-step
	moveNoPoke                       // a poke finds nothing to do
	moveWait                         // a grace period begins
	moveForget                       // the same, and a reader is forgotten
	moveWaited                       // it ends
	moveNoWait                       // a guarded wait has nothing to wait for
	moveRetire                       // the replaced program's own grace period begins
	moveRetireForget                 // the same, and a reader is forgotten
	moveFree                         // the replaced program is freed at once
	moveReturn                       // the operation returns
	moveReclaim                      // a retired program is freed
	moveEnter                        // a thread begins an execution
	moveFetch                        // it fetches a slot and executes it
	moveTrap                         // it fetches int3
	moveTorn                         // it fetches what is no instruction
	moveHandle                       // the trap is answered by acting as an instruction
	moveRetry                        // the trap is answered by running the byte again
	moveLate                         // the trap is late: the poke that it hit is over
	moveLost                         // nobody answers the trap
	moveRun                          // it runs to the end of the program
	moveLeave                        // it returns to its caller
	moveKinds
)

// A fault is what a move breaks. Of several that are equally near, the lowest is
// reported: a cause before its consequence.
type fault uint8

const (
	noFault    fault = iota
	passedA          // an open bypass, then a cleared target
	ranTorn          // bytes that were never a whole instruction
	missed           // fell through a key that held a program all along
	ranStale         // ran a program that the key did not hold
	ranFreed         // ran in a freed program
	foundOther       // a poke found other bytes than it expects
	faults
)

var faultProperties = [faults]protocol.Property{
	passedA:    protocol.NeverA,
	ranTorn:    protocol.NoTorn,
	missed:     protocol.NoMiss,
	ranStale:   protocol.Fresh,
	ranFreed:   protocol.NoUseAfterFree,
	foundOther: protocol.ExpectedBytes,
}

// faultWords says what a fault is, for the last line of a witness.
var faultWords = [faults]string{
	passedA:    "the thread unwound its frame, met a cleared target and goes on in the caller",
	ranTorn:    "the thread executes bytes that were never a whole instruction",
	missed:     "the execution falls through, though the key held some program all along",
	ranStale:   "the thread runs a program that the key neither held nor was given meanwhile",
	ranFreed:   "the thread executes in a program that has been freed",
	foundOther: "the poke finds other bytes than it expects",
}

// An expander computes the successors of a state. It calls found for each, which
// may change y.
type expander struct {
	sys   *system
	x     state // whose successors are wanted
	y     state // the successor at hand
	found func(move, fault)
}

// expand finds every successor of x.
func (e *expander) expand() {
	e.mutator()
	words := e.threadWords()
	for i, t := range words {
		if i > 0 && t == words[i-1] && e.sys.symmetric {
			continue // the same moves as of the thread before, up to a permutation
		}
		e.thread(i)
	}
}

func (e *expander) threadWords() []uint64 { return e.x[e.sys.threads:e.sys.words] }

// from begins a successor as a copy of x.
func (e *expander) from() *state {
	copy(e.y[:e.sys.words], e.x[:e.sys.words])
	return &e.y
}
