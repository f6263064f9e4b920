package protocol

import "fmt"

// The slots of a direct tail-call site.
const (
	// Bypass is the slot before the unwind (poke descriptor field tailcall_bypass).
	Bypass Slot = iota
	// Target is the slot after the unwind (poke descriptor field tailcall_target).
	Target

	// Slots is how many slots a direct site has.
	Slots = 2
)

// What either slot may hold.
const (
	// Nop is the 5-byte nop 0f 1f 44 00 00.
	Nop Content = iota
	// Jump is jmp rel32: over the site in the bypass, to a program in the target.
	Jump

	// Contents is how many contents a slot of a direct site may have.
	Contents = 2
)

// The states of a direct site, named as in the discussion of the patch ("bpf, x64: rework
// pro/epilogue and tailcall handling in JIT", 16 July 2020).
const (
	StateA State = 'A' // nop, nop: forbidden
	StateB State = 'B' // nop, jump: taken
	StateC State = 'C' // jump, nop: empty
	StateD State = 'D' // jump, jump: in between
)

// TailCall returns the account of a direct BPF tail-call site on x86-64
// (arch/x86/net/bpf_jit_comp.c, emit_bpf_tail_call_direct). State A as a property is one of
// executions, not of memory: see [NeverA].
func TailCall() Site {
	nop := func(does string) Instruction {
		code := []byte{0x0f, 0x1f, 0x44, 0x00, 0x00}
		return Instruction{Name: "nop", Code: code, Leads: ToNext, Does: does}
	}
	jump := func(to Leads, does string) Instruction {
		code := []byte{0xe9, 0, 0, 0, 0}
		return Instruction{Name: "jump", Code: code, Disp: 1, Leads: to, Does: does}
	}
	return Site{
		Name: "tail call",
		Slots: []SlotKind{
			{Name: "bypass", Size: 5,
				May: []Instruction{nop("unwinds"), jump(ToOut, "skips the site")}},
			{Name: "target", Size: 5,
				May: []Instruction{nop("falls through"), jump(ToProgram, "tail call")}},
		},
		States: []NamedState{
			{StateA, []Content{Nop, Nop}}, {StateB, []Content{Nop, Jump}},
			{StateC, []Content{Jump, Nop}}, {StateD, []Content{Jump, Jump}},
		},
		Empty: []Content{Jump, Nop},
		Forbidden: []Path{{
			Through: []Content{Nop, Nop}, Breaks: NeverA,
			Says: "no execution passes an open bypass and then a cleared target",
		}},
	}
}

// tailCall is read and never written: so far there are no other sites.
var tailCall = TailCall()

// Site returns the account of the sites that the protocol patches.
func (p Protocol) Site() Site { return TailCall() }

// StateOf names the state of a direct site whose slots, in their order, hold these contents.
func StateOf(contents ...Content) State { return tailCall.StateOf(contents...) }

// String returns the slot's name in the protocol grammar.
func (s Slot) String() string { return tailCall.Slots[s].Name }

// String returns the content's name in the protocol grammar.
func (c Content) String() string { return tailCall.Slots[0].May[c].Name }

// SlotByName returns the slot that the grammar calls by a name.
func SlotByName(name string) (Slot, error) {
	if s, ok := slotByName(name); ok {
		return s, nil
	}
	return 0, fmt.Errorf("a %s has no slot %q", tailCall.Name, name)
}
