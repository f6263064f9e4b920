package witness

import (
	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
)

// None stands for no program, no thread, no copy, and so on.
const None = -1

// A Witness is an execution that breaks a property, from the state in which it begins.
type Witness struct {
	Property protocol.Property
	Text     string // what is broken, in words
	// Agents carry out operations. Threads are counted from 0.
	Agents  []Actor
	Threads int
	// Programs are the names of programs, by the numbers that steps have for them.
	Programs []string
	Sources  []source.Line // by program: where it begins; may be nil
	Sites    []Site
	Start    View
	Steps    []Step // the last one breaks the property
	Cycle    int    // of progress: how many of the last steps repeat for ever
	Memory   *Memory
}

// Site is a site that the witness shows.
type Site struct {
	Number int    // among those of its image
	In     string // its image, "" for the first one
	Source source.Line
}

// A Step is one step of a witness, with what it leads to.
type Step struct {
	Choice
	Event *protocol.Event // what that completes of an operation, or nil
	Frees []int           // programs freed in the step; nil where engines have a step of its own for that
	Code  *Code           // of a thread that executes machine code
	View
}

// Code is what a thread executes in a step: one instruction, and those after it that touch nothing
// shared.
type Code struct {
	At      Position
	Bytes   []byte      // of the first instruction
	Text    string      // of the first instruction, for people
	Count   int         // instructions
	Broke   source.Line // of the instruction that broke the property, in the last step
	Regs    []Reg       // that changed; of the last step all that a frame keeps
	Returns *uint64
}

// Reg is a register and what it holds.
type Reg struct {
	Name  string
	Value uint64
}

// A View is what a state shows.
type View struct {
	Threads []Position
	Sites   []SiteView
}

// A SiteView is what memory holds at a site.
type SiteView struct {
	Gone  bool       // its image is not there
	Slots []SlotView // by [protocol.Slot]
	// From is the site's state. While a poke changes it, To is the state that the poke leads to.
	From, To protocol.State
}

// A SlotView is what memory holds in a slot.
type SlotView struct {
	protocol.SlotText
	Stale bool   // some CPU may still fetch other bytes
	Bytes []byte // nil: the engine knows no bytes
}

// A Place is the kind of a [Position].
type Place uint8

// The places where a thread may stand.
const (
	Idle      Place = iota // in no execution
	Entering               // before its first step
	AtSlot                 // before a slot
	InProgram              // somewhere in a program
	PastSites              // after the last site of the caller
	InCode                 // at an instruction that is no slot
	Outside                // at an address where no program is
)

// A Position is where a thread stands.
type Position struct {
	Place   Place
	Trapped bool          // it met int3 there, and the handler has not looked yet
	Site    int           // AtSlot: index in Witness.Sites
	Slot    protocol.Slot // AtSlot
	Program int           // the program whose image that is, or None
	Off     int           // offset in that image, or None where the engine knows no bytes
	Addr    uint64        // Outside
	Source  source.Line   // of the code there
}

// Memory is where an engine with addresses has things, for engines that compare addresses.
type Memory struct {
	Programs []Region // by number
	Data     Region   // structs of maps and programs: their addresses are not compared
	Stack    Region
	Context  Region
	Entry    [16]uint64 // registers when an execution begins, by number in the encoding
	Return   uint64     // the address that the execution returns to
	// Caller are the words above the return address when an execution begins, the lowest first.
	Caller []uint64
}

// A Region is a range of addresses.
type Region struct{ At, Size uint64 }

// Has reports whether an address lies in the region.
func (r Region) Has(at uint64) bool { return at >= r.At && at-r.At < r.Size }

// BrokenAt is the source line of what breaks the property: of a thread's code, or of a site. It is none
// of what goes round for ever.
func (w *Witness) BrokenAt() source.Line {
	if len(w.Steps) == 0 || w.Cycle > 0 {
		return source.Line{}
	}
	last := &w.Steps[len(w.Steps)-1]
	switch site := last.Action.Site; {
	case last.Code != nil:
		return last.Code.Broke
	case site >= 0 && site < len(w.Sites):
		return w.Sites[site].Source
	}
	return source.Line{}
}

// Choices lists what was chosen at each step.
func (w *Witness) Choices() []Choice {
	out := make([]Choice, len(w.Steps))
	for i := range w.Steps {
		out[i] = w.Steps[i].Choice
		out[i].Round = i >= len(w.Steps)-w.Cycle
	}
	return out
}

// Script lists the calls, the last of which may not have returned. In a witness of the model a call is
// a step, in one of the machine it goes with one.
func (w *Witness) Script() protocol.Script {
	var out protocol.Script
	for i := range w.Steps {
		s := &w.Steps[i]
		switch {
		case s.Call != nil:
			out = append(out, *s.Call)
		case s.Action.Do != Call:
		case s.Action.Op.Gives():
			out = append(out, protocol.Call{Kind: protocol.Put, Key: s.Action.Key, Prog: s.Action.Prog})
		default:
			out = append(out, protocol.Call{Kind: protocol.Delete, Key: s.Action.Key})
		}
	}
	return out
}
