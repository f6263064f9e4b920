package protocol

import "fmt"

// EventKind is the kind of an [Event].
type EventKind uint8

// The events of an execution of an operation.
const (
	Called      EventKind = iota // an operation begins
	Returned                     // it has returned
	Published                    // the map's pointer was exchanged
	Poked                        // a slot was poked; Changed says whether a byte changed
	Waited                       // a grace period was waited for
	WaitSkipped                  // a guarded wait was skipped: no poke had changed a byte
	Retired                      // the replaced program awaits its own grace period
	Freed                        // a program's memory was given back
)

var eventNames = [...]string{
	Called: "called", Returned: "returned", Published: "published", Poked: "poked",
	Waited: "waited", WaitSkipped: "wait-skipped", Retired: "retired", Freed: "freed",
}

// String returns the kind's name.
func (k EventKind) String() string { return eventNames[k] }

// An Event is a part of an operation that an engine carried out. The events of an operation,
// in order, are its unrolled actions between Called and Returned.
type Event struct {
	Kind    EventKind
	Op      OpKind
	Key     int
	Desc    int // Poked, Waited: index in tracking order, or NoDesc
	Slot    Slot
	To      Content
	Changed bool // Poked
}

// String returns the event on one line.
func (e Event) String() string {
	s := fmt.Sprintf("%v key %d: %v", e.Op, e.Key, e.Kind)
	if e.Kind == Poked {
		s += fmt.Sprintf(" site %d %v=%v", e.Desc, e.Slot, e.To)
		if !e.Changed {
			s += " (nothing to do)"
		}
	}
	return s
}
