package protocol

// A Slot is one of the two patched places of a direct tail-call site.
type Slot uint8

const (
	// Bypass is the slot before the unwind (poke descriptor field tailcall_bypass).
	Bypass Slot = iota
	// Target is the slot after the unwind (poke descriptor field tailcall_target).
	Target

	// Slots is how many slots a direct site has.
	Slots = 2
)

// String returns the slot's name in the protocol grammar.
func (s Slot) String() string {
	if s == Bypass {
		return "bypass"
	}
	return "target"
}

// Content is what a slot holds: one whole 5-byte instruction.
type Content uint8

const (
	// Nop is the 5-byte nop 0f 1f 44 00 00.
	Nop Content = iota
	// Jump is jmp rel32: over the site for the bypass, to a program for the target.
	Jump
)

// String returns the content's name in the protocol grammar.
func (c Content) String() string {
	if c == Nop {
		return "nop"
	}
	return "jump"
}

// A State is the pair of contents that a site's memory shows, named as in the
// discussion of the patch ("bpf, x64: rework pro/epilogue and tailcall handling in
// JIT", 16 July 2020). State A as a property is one of executions, not of memory:
// see [NeverA].
type State byte

// The four states of a site.
const (
	StateA State = 'A' // nop, nop: forbidden
	StateB State = 'B' // nop, jump: taken
	StateC State = 'C' // jump, nop: empty
	StateD State = 'D' // jump, jump: in between
)

// StateOf names the state of a site whose slots hold bypass and target.
func StateOf(bypass, target Content) State {
	switch {
	case bypass == Nop && target == Nop:
		return StateA
	case bypass == Nop:
		return StateB
	case target == Nop:
		return StateC
	default:
		return StateD
	}
}

// String returns the state's letter.
func (s State) String() string { return string(rune(s)) }
