package protocol

// MicroKind is one step of a poke method.
type MicroKind uint8

// The steps of a poke method.
const (
	HeadInt3 MicroKind = iota // write the one trap byte over the first byte
	Tail                      // write the other bytes of the new instruction
	HeadNew                   // write the first byte of the new instruction
	All                       // write the whole new instruction in one aligned store
	Bytes                     // write the new instruction byte by byte
	Sync                      // serialise every CPU that executes the image
)

var microNames = [...]string{HeadInt3: "head=int3", Tail: "tail", HeadNew: "head=new", All: "all", Bytes: "bytes", Sync: "sync"}

// String returns the step's text in the method grammar.
func (k MicroKind) String() string { return microNames[k] }

// TrapAnswer is how a trap is answered that hits a slot while it is poked.
type TrapAnswer uint8

// The answers to a trap.
const (
	TrapNew   TrapAnswer = iota // act as the new instruction (what the kernel does)
	TrapOld                     // act as the old instruction
	TrapRetry                   // run the byte again
)

var trapNames = [...]string{TrapNew: "new", TrapOld: "old", TrapRetry: "retry"}

// String returns the answer's name in the method grammar.
func (t TrapAnswer) String() string { return trapNames[t] }

// A Method is how one slot goes from one instruction to another while it may be
// executed (arch/x86/kernel/alternative.c, text_poke_bp; smp_text_poke_single since
// v6.16).
type Method struct {
	Name  string
	Trap  TrapAnswer
	Steps []MicroKind
}

// Clone returns a copy that shares no memory with m.
func (m Method) Clone() Method {
	m.Steps = append([]MicroKind(nil), m.Steps...)
	return m
}

// Has reports whether the method has a step of kind k.
func (m Method) Has(k MicroKind) bool {
	for _, s := range m.Steps {
		if s == k {
			return true
		}
	}
	return false
}

// Aligned reports whether the method needs slots that one aligned 8-byte store covers.
func (m Method) Aligned() bool { return m.Has(All) }

// GraceKind is what a grace-period flavour waits for.
type GraceKind uint8

// The flavours of grace periods.
const (
	GraceEpoch  GraceKind = iota // every reader that was inside when the wait began
	GraceForget                  // the same, but one reader is forgotten
	GraceSleep                   // a fixed time, whoever is inside

	// Of these the model alone knows.
	GraceSelf      // as GraceEpoch, but the waiter is inside itself
	GraceQuiet     // a moment in which no reader is inside
	GraceCounter   // as package patcher/rcu waits: by epochs that readers store, and a barrier
	GraceNoBarrier // the same without the barrier
)

// A Grace is a grace-period flavour.
type Grace struct {
	Name string
	Kind GraceKind
}
