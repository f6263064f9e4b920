package model

import (
	"slices"

	"tailpoke/patcher/protocol"
)

// A move is one transition, without the states that it joins.
type move struct {
	kind  moveKind
	actor int8 // an agent or a thread
	arg   int8 // what it concerns: a thread, a program, a key, a site or a copy
}

type moveKind uint8

const (
	moveInstall       moveKind = iota // a mutator calls an install
	moveUpdate                        // an update
	moveRemove                        // a remove
	movePublish                       // it exchanges the map's pointer
	movePoke                          // a poke makes a micro-step
	moveNoPoke                        // a poke finds nothing to do
	moveWait                          // a grace period begins
	moveForget                        // the same, and a reader is forgotten
	moveWaited                        // it ends
	moveNoWait                        // a wait "if changed" is skipped: nothing changed
	moveRetire                        // the replaced program's own grace period begins
	moveRetireForget                  // the same, and a reader is forgotten
	moveFree                          // the replaced program is freed at once
	moveReturn                        // the operation returns
	moveReclaim                       // a retired program is freed
	moveEnter                         // a thread begins an execution
	moveFetch                         // it fetches a slot and executes it
	moveTrap                          // it fetches int3
	moveTorn                          // it fetches what is no instruction
	moveHandle                        // the trap is answered by acting as an instruction
	moveRetry                         // the trap is answered by running the byte again
	moveLate                          // the trap is late: the poke that it hit is over
	moveLost                          // no poke answers the trap
	moveRun                           // it runs to the end of the program
	moveLeave                         // it returns to its caller
	moveRead                          // it reads a key of the map while it runs
	moveBack                          // the program returns, and the thread goes on in the caller
	moveGone                          // it executes in a copy that was freed
	movePass                          // an operation passes by a descriptor that is not stable
	moveLook                          // what a slot should hold is read before the poke
	moveLoad                          // a load of a copy begins
	moveUnload                        // an unload
	moveTrack                         // the copy's descriptors are put on the list, or taken off
	moveLookUp                        // the fixup reads the map's pointer
	moveStable                        // the descriptor becomes stable
	moveKnown                         // the copy's text is known, or no more
	moveRefused                       // a poke of text that is not known is refused, and taken for done
	moveOpen                          // executions may begin in the copy
	moveGiveBack                      // its memory is given back
	moveArrive                        // a program that has sites is loaded again
	moveForgetProgram                 // it is taken off the list after all
	moveEpoch                         // a thread reads the epoch
	moveDrain                         // what it stored becomes visible
	moveScan                          // a grace period finds that it need not wait for a thread
	moveKinds
)

// background reports whether the move is no agent's: an operation does not do it. It does
// something with a program.
func (m move) background() bool {
	return m.kind == moveReclaim || m.kind == moveArrive || m.kind == moveForgetProgram
}

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
	freedTwice       // a program, or a copy, was let go of again
	freedEarly       // a program was let go of that the map's pointer names
	leaked           // what nobody holds was not let go of
	stuck            // an operation never ends; no single move breaks that
	faults
)

var faultProperties = [faults]protocol.Property{
	passedA:    protocol.NeverA,
	ranTorn:    protocol.NoTorn,
	missed:     protocol.NoMiss,
	ranStale:   protocol.Fresh,
	ranFreed:   protocol.NoUseAfterFree,
	foundOther: protocol.ExpectedBytes,
	freedTwice: protocol.NoDoubleFree,
	freedEarly: protocol.NoEarlyFree,
	leaked:     protocol.NoLeak,
	stuck:      protocol.Progress,
}

// faultOf returns the fault that breaks a property, noFault for "", and faults if there is none.
func faultOf(p protocol.Property) fault {
	if i := slices.Index(faultProperties[:], p); i >= 0 {
		return fault(i)
	}
	return faults
}

// faultWords says what a fault is, for the last line of a witness.
var faultWords = [faults]string{
	passedA:    "the thread unwound its frame, met a cleared target and goes on in the caller",
	ranTorn:    "the thread executes bytes that were never a whole instruction",
	missed:     "the execution falls through, though the key held some program all along",
	ranStale:   "the thread runs a program that the key neither held nor was given meanwhile",
	ranFreed:   "the thread executes in a program that has been freed",
	foundOther: "the poke finds other bytes than it expects",
	freedTwice: "what is freed, or awaits that, is freed again",
	freedEarly: "the map's pointer still names what is freed",
	leaked:     "nobody holds what was replaced, and nothing will free it",
	stuck: "the operation never ends, though every actor gets to run: " +
		"the last steps repeat for ever",
}

// An expander computes the successors of a state. It calls found for each, which
// may change y.
type expander struct {
	sys   *system
	x     state // whose successors are wanted
	y     state // the successor at hand
	me    *agent
	found func(move, fault)
}

// expand finds every successor of x.
func (e *expander) expand() {
	e.agents()
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
