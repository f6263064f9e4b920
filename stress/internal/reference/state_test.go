package reference

import "tailpoke/patcher/protocol"

// The largest question.
const (
	maxThreads  = 2
	maxSites    = 2
	maxKeys     = 2
	maxPrograms = 3
)

// idle is the operation of a mutator that has none.
const idle = -1

// A state is everything that changes. Programs count from 1, so that 0 is none.
type state struct {
	calls      int8 // operations that were begun, if they are counted
	op         int8 // a protocol.OpKind, or idle
	key        int8
	given, old int8   // the program that the operation gives, and the one that it replaces
	at         cursor // its next step
	store      int8   // of a poke: its next step of the method
	waiting    bool
	letGo      bool // the operation has let go of what it replaces

	changed     bool // a poke of the operation has changed a byte
	changedHere bool // one of this iteration of each has

	pointer  [maxKeys]int8 // what the map's pointer names
	holds    [maxKeys]int8 // what the key holds
	programs [maxPrograms + 1]program
	slots    [maxSites][protocol.Slots]slot
	threads  [maxThreads]thread
	awaited  [maxThreads]bool // the wait in progress waits for the thread
}

// A cursor is a place in the text of an operation: which step, and of an each in which iteration
// and at which step of its body.
type cursor struct{ step, iteration, inner int8 }

// A program is loaded unless something else is said of it.
type program struct {
	given    bool // some time or other
	retiring bool
	freed    bool
	awaited  [maxThreads]bool // its retirement waits for the thread
}

// start is the state in which every key is empty and nobody does anything.
func (q *question) start() state {
	s := state{op: idle}
	for i := range q.sites {
		s.slots[i] = [protocol.Slots]slot{protocol.Bypass: holding(out), protocol.Target: holding(nop)}
	}
	return s
}
