package protocol

import (
	"fmt"
	"slices"
	"strings"
)

// Conformance is the property of a [Trace] that it is a behaviour of the model: what carried
// the protocol out did what its text says, and nothing else.
const Conformance Property = "conformance"

// A Trace is what was recorded of an execution, in order. As text it has one item a line:
//
//	records called returned                              other events were not recorded
//	key 0 has 2 sites                                    or: has 1 site, has 2 to 4 sites
//	key 0 install called p1                              p1: the program that the key is given
//	key 0 install poked site 0 target=jump
//	key 0 saw site 0 bypass=int3-nop target=jump-p1
//	key 0 install poked site 0 bypass=nop unchanged
//	key 0 remove waited site 0
//	key 0 omitted 12 operations has 2 sites holds p3     or: holds nothing
//
// Any item may end with "at 1234": it was recorded so many nanoseconds after recording began. A #
// begins a comment. Sites of a key count in tracking order, as [Event.Desc] does. Programs have any
// numbers; two with the same number lie at the same address.
type Trace struct {
	// Records lists the kinds of events of which each one was recorded, Called and Returned
	// among them; nil stands for every kind.
	Records []EventKind
	Items   []Item

	lines []int // of the items, if they were parsed
}

// ItemKind is the kind of an [Item].
type ItemKind uint8

// The items of a trace.
const (
	Happened ItemKind = iota // the mutator completed Event
	Saw                      // an observer read slots of one site, at one moment
	Has                      // descriptors of the key came or went since its last operation
	Omitted                  // whole operations of the key were not recorded, and then Has
)

// An Item is one item of a trace. Of Event only Key concerns every kind.
type Item struct {
	Kind  ItemKind
	Event                 // Happened; Saw has its site in Desc
	Prog  int             // Called, if the operation gives a program; Omitted: its number
	Seen  [Slots]SlotText // Saw: by slot
	Least int             // Has, Omitted: the key now has so many stable descriptors, or more,
	Most  int             // up to so many: the recorder need not know how many
	Count int             // Omitted: so many operations
	// At is when it was recorded, in nanoseconds since recording began; 0 says nothing.
	At int64
}

// What an [Item] may have in place of a program.
const (
	AnyProg = -1 // it was not recorded, or does not concern the item
	NoProg  = -2 // Omitted: the key holds none
)

// String returns the item's line.
func (it Item) String() string {
	if it.At > 0 {
		return it.what() + fmt.Sprintf(" at %d", it.At)
	}
	return it.what()
}

// what is the line without its time.
func (it Item) what() string {
	s := fmt.Sprintf("key %d ", it.Key)
	switch it.Kind {
	case Saw:
		s += fmt.Sprintf("saw site %d", it.Desc)
		for slot, r := range it.Seen {
			if r.Head != Unread {
				s += fmt.Sprintf(" %v=%v", Slot(slot), r)
			}
		}
		return s
	case Has:
		return s + it.has()
	case Omitted:
		holds := "nothing"
		if it.Prog != NoProg {
			holds = progWord(it.Prog)
		}
		return s + fmt.Sprintf("omitted %d operations %s holds %s", it.Count, it.has(), holds)
	}
	return s + it.happened()
}

func (it Item) has() string {
	switch {
	case it.Least != it.Most:
	case it.Most == 1:
		return "has 1 site"
	default:
		return fmt.Sprintf("has %d sites", it.Most)
	}
	return fmt.Sprintf("has %d to %d sites", it.Least, it.Most)
}

func (it Item) happened() string {
	s := fmt.Sprintf("%v %v", it.Op, it.Event.Kind)
	if it.Desc != NoDesc {
		s += fmt.Sprintf(" site %d", it.Desc)
	}
	switch {
	case it.Event.Kind == Called && it.Op.Gives() && it.Prog != AnyProg:
		s += " " + progWord(it.Prog)
	case it.Event.Kind == Poked:
		s += fmt.Sprintf(" %v=%v", it.Slot, it.To)
		if !it.Changed {
			s += " unchanged"
		}
	}
	return s
}

// String returns the trace's text, which [ParseTrace] reads back.
func (t Trace) String() string {
	var b strings.Builder
	if t.Records != nil {
		b.WriteString("records")
		for _, k := range t.Records {
			b.WriteString(" " + k.String())
		}
		b.WriteByte('\n')
	}
	for _, it := range t.Items {
		b.WriteString(it.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// Line returns the line of item i in the text that the trace was parsed from, from 1; 0 if
// there was none.
func (t Trace) Line(i int) int {
	if i >= len(t.lines) {
		return 0
	}
	return t.lines[i]
}

// Recorded reports whether events of kind k were recorded.
func (t Trace) Recorded(k EventKind) bool {
	return t.Records == nil || slices.Contains(t.Records, k)
}

// EventKind is the kind of an [Event].
type EventKind uint8

// The events of an execution of an operation.
const (
	Called      EventKind = iota // an operation begins
	Returned                     // it has returned
	Published                    // the map's pointer was exchanged
	Poked                        // a slot was poked; Changed says whether a byte changed
	Waited                       // a grace period was waited for
	WaitSkipped                  // a wait "if changed" was skipped: no poke had changed a byte
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
