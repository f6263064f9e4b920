package witness

import (
	"fmt"
	"strconv"
	"strings"

	"tailpoke/patcher/protocol"
)

// ActorKind is the kind of an [Actor].
type ActorKind uint8

// The kinds of actors.
const (
	Mutator ActorKind = iota // carries out operations; and the grace periods of retired programs
	Loader                   // loads and unloads copies of the caller
	Thread                   // executes
)

// An Actor takes steps. As text it is "mutator", "mutator 1", "loader" or "thread 0".
type Actor struct {
	Kind  ActorKind
	Index int
}

var actorNames = [...]string{Mutator: "mutator", Loader: "loader", Thread: "thread"}

// String returns the actor's name.
func (a Actor) String() string {
	if a.Index == 0 && a.Kind != Thread {
		return actorNames[a.Kind]
	}
	return actorNames[a.Kind] + " " + strconv.Itoa(a.Index)
}

// MarshalText returns the actor's name.
func (a Actor) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads an actor's name.
func (a *Actor) UnmarshalText(text []byte) error {
	name, number, numbered := strings.Cut(string(text), " ")
	for kind, known := range actorNames {
		if known != name {
			continue
		}
		*a = Actor{Kind: ActorKind(kind)}
		var err error
		if numbered {
			a.Index, err = strconv.Atoi(number)
		}
		if err != nil || a.String() != string(text) {
			break
		}
		return nil
	}
	return fmt.Errorf("no actor is called %q", text)
}

// Do is the kind of an [Action].
type Do uint8

// What a mutator does.
const (
	Nothing  Do = iota // the call has nothing to do
	Call               // Op on Key begins, which gives it Prog
	Publish            // the map's pointer names Prog
	Store              // a poke of Site and Slot to To makes a micro-step, Step
	NoPoke             // the poke finds that the slot holds To already
	Mismatch           // the poke finds Text, which is not what it expects
	PokeGone           // the poke finds that the slot's image is gone
	Look               // what the slot should hold, Text, is read before the poke
	Pass               // the operation passes by Site, whose descriptor is not stable
	Wait               // a grace period begins; Thread is forgotten, if it is not None
	Waited             // it ends
	Scan               // the grace period finds no epoch of Thread
	NoWait             // a wait is skipped: no byte changed
	Retire             // the grace period of Prog begins; Thread as in Wait; Same as in Free
	Free               // Prog is freed at once; Same: the key was given it anew
	Return             // Op on Key returns

	// What a loader does, beside pokes and waits.
	Load     // the load of Copy begins
	Unload   // the unload of Copy
	Track    // the descriptors of Copy are put on the map's list
	Untrack  // they are taken off it
	LookUp   // the fixup of Site reads that Key holds Prog
	Stable   // the descriptor of Site becomes stable
	Open     // executions may begin in Copy
	FreeCopy // the memory of Copy is given back
	Unloaded // the load or the unload returns
	Known    // the text of Copy is known from here on
	Unknown  // or no more
	Refused  // the poke of Site and Slot to To is of text that is not known: refused, and taken for done

	// What happens to programs in no agent's turn.
	Arrive  // Prog is loaded
	Forget  // the descriptors of Prog are taken off the list
	Reclaim // the grace period of Prog is over, and it is freed

	// What a thread does.
	Enter   // it begins an execution, in Copy, as a Reader
	Epoch   // it reads the epoch
	Drain   // its epoch becomes visible
	Fetch   // it executes Text at Slot of Site
	Trap    // it fetches int3 there
	Torn    // it fetches bytes there that are no instruction
	Handle  // the trap's handler acts as Text
	Retry   // the handler runs the byte again
	Late    // the same, for the poke is over
	Lost    // the handler finds an int3 of no poke
	Read    // it reads that Key of the map holds Prog
	Run     // it executes in Prog, up to its end
	Back    // Prog returns into the caller, to before Site
	Execute // it executes machine code that is no slot, in Prog
	Gone    // it executes in Prog, or in Copy, whose memory was given back
	Leave   // it returns to its caller

	numDos
)

var doWords = [numDos]string{
	"nothing", "call", "publish", "store", "no-poke", "mismatch", "poke-gone", "look", "pass",
	"wait", "waited", "scan", "no-wait", "retire", "free", "return",
	"load", "unload", "track", "untrack", "look-up", "stable", "open", "free-copy", "unloaded", "known", "unknown", "refused",
	"arrive", "forget", "reclaim",
	"enter", "epoch", "drain", "fetch", "trap", "torn", "handle", "retry", "late", "lost", "read",
	"run", "back", "execute", "gone", "leave",
}

// String returns the kind's word in files.
func (d Do) String() string { return doWords[d] }

// An Action is what an actor does. Fields that its kind does not concern are as in [Act].
type Action struct {
	Do     Do
	Op     protocol.OpKind
	Key    int
	Prog   int // index in Witness.Programs, or None
	Same   bool
	Copy   int // number, or None for the caller that stays
	Thread int
	Site   int // index in Witness.Sites
	Slot   protocol.Slot
	To     protocol.SlotText  // what a poke leads to
	Step   protocol.MicroStep // of a poke
	Text   protocol.SlotText  // what a slot holds, or a thread executes
	Grace  protocol.Period    // of a Wait, a NoWait and a Retire
	Reader string             // of an Enter: the kind of readers, "" where there is one alone
}

// Act returns an action that concerns nothing yet.
func Act(do Do) Action {
	return Action{Do: do, Key: None, Prog: None, Copy: None, Thread: None, Site: None}
}

// A Choice is what must be known of a step to take it again.
type Choice struct {
	Actor Actor
	// Call is the operation that a mutator begins with the step, where that is no step by itself;
	// the action is then the first one of the operation.
	Call   *protocol.Call
	Action Action
	// Round says that the step is one of the last ones, which repeat for ever.
	Round bool
}

// Same reports whether two choices are one.
func (c Choice) Same(o Choice) bool {
	calls := c.Call == nil && o.Call == nil || c.Call != nil && o.Call != nil && *c.Call == *o.Call
	return calls && c.Actor == o.Actor && c.Action == o.Action && c.Round == o.Round
}
