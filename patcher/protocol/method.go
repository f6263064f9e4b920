package protocol

import (
	"fmt"
	"slices"
	"strings"
)

// A MicroStep is one step of a poke method: a store to the slot that is poked, or a
// serialisation. A store is data: which bytes of the slot it writes, where these come from, and
// whether other CPUs may see parts of it. Every engine interprets that, and refuses what it cannot.
type MicroStep struct {
	// Sync serialises every CPU that executes the image; nothing is stored.
	Sync bool

	Off, Len uint8  // the bytes of the slot that are written; Len 0 means up to its end
	From     Source // where they come from
	// Single says that no CPU sees a part of the store. A single store of several bytes must lie
	// in an aligned word. Other stores are seen byte by byte.
	Single bool
}

// A Source is where a store takes its bytes from.
type Source uint8

// The sources of bytes.
const (
	FromNew  Source = iota // the instruction that the poke leaves
	FromOld                // the instruction that the poke replaces
	FromTrap               // the trap byte, [Trap]
)

// microSteps are the steps that the grammar has words for.
var microSteps = [...]struct {
	word string
	step MicroStep
}{
	{"head=int3", MicroStep{Len: 1, From: FromTrap, Single: true}},
	{"tail", MicroStep{Off: 1}},
	{"head=new", MicroStep{Len: 1, Single: true}},
	{"all", MicroStep{Single: true}}, // the whole instruction, in one aligned store
	{"bytes", MicroStep{}},           // the whole instruction, byte by byte
	{"sync", MicroStep{Sync: true}},
}

// methodWords are the words of a method's text: its steps, and the answers to a trap.
func methodWords() []string {
	var words []string
	for _, m := range microSteps {
		words = append(words, m.word)
	}
	for _, answer := range trapNames {
		words = append(words, trapWord+answer)
	}
	return words
}

// MicroStepByWord returns the step that the method grammar calls by a word.
func MicroStepByWord(word string) (MicroStep, bool) {
	for _, m := range microSteps {
		if m.word == word {
			return m.step, true
		}
	}
	return MicroStep{}, false
}

// String returns the step's word in the method grammar. A step that has none is described.
func (m MicroStep) String() string {
	for _, known := range microSteps {
		if known.step == m {
			return known.word
		}
	}
	end := ""
	if m.Len > 0 {
		end = fmt.Sprint(m.Off + m.Len)
	}
	from := [...]string{FromNew: "new", FromOld: "old", FromTrap: "int3"}[m.From]
	text := fmt.Sprintf("[%d:%s]=%s", m.Off, end, from)
	if m.Single {
		text += " single"
	}
	return text
}

// Span returns the bytes that a store writes of a slot of a size: from one offset up to another.
func (m MicroStep) Span(size int) (from, to int) {
	if m.Len == 0 {
		return int(m.Off), size
	}
	return int(m.Off), int(m.Off) + int(m.Len)
}

// Bytes appends to dst what a store writes when a poke replaces one instruction by another.
func (m MicroStep) Bytes(dst, old, next []byte) []byte {
	from, to := m.Span(len(next))
	switch m.From {
	case FromNew:
		return append(dst, next[from:to]...)
	case FromOld:
		return append(dst, old[from:to]...)
	}
	for range to - from {
		dst = append(dst, Trap)
	}
	return dst
}

// TrapAnswer is what the handler does with a thread that traps at a slot while it is poked.
type TrapAnswer uint8

// The answers to a trap.
const (
	TrapNew   TrapAnswer = iota // act as the new instruction (what the kernel does)
	TrapOld                     // act as the old instruction
	TrapRetry                   // run the byte again
)

// trapWord begins the answer to a trap.
const trapWord = "trap="

var trapNames = [...]string{TrapNew: "new", TrapOld: "old", TrapRetry: "retry"}

// String returns the answer's name in the method grammar.
func (t TrapAnswer) String() string { return trapNames[t] }

// A Method is how one slot goes from one instruction to another while it may be
// executed (arch/x86/kernel/alternative.c, text_poke_bp; smp_text_poke_single since
// v6.16).
type Method struct {
	Name  string
	Trap  TrapAnswer
	Steps []MicroStep
}

// String returns the method's text, which [ParseMethod] reads back.
func (m Method) String() string {
	parts := make([]string, 0, len(m.Steps)+1)
	if m.Trap != TrapNew {
		parts = append(parts, trapWord+m.Trap.String())
	}
	for _, s := range m.Steps {
		parts = append(parts, s.String())
	}
	return "method " + m.Name + "\n  " + strings.Join(parts, "; ") + "\n"
}

// Clone returns a copy that shares no memory with m.
func (m Method) Clone() Method {
	m.Steps = slices.Clone(m.Steps)
	return m
}

// Same reports whether two methods do the same, whatever they are called.
func (m Method) Same(o Method) bool { return m.Trap == o.Trap && slices.Equal(m.Steps, o.Steps) }

// Aligned reports whether the method needs slots that one aligned 8-byte store covers.
func (m Method) Aligned() bool {
	return slices.ContainsFunc(m.Steps, func(s MicroStep) bool {
		return !s.Sync && s.Single && s.Len != 1
	})
}

// complete reports whether the method writes every byte of the new instruction.
func (m Method) complete() bool {
	written := 0
	for range m.Steps { // each pass finds a store that goes on where the others end
		for _, s := range m.Steps {
			if from, to := s.Span(MaxSlotSize); !s.Sync && s.From == FromNew && from <= written {
				written = max(written, to)
			}
		}
	}
	return written >= MaxSlotSize
}

// GraceKind is what a grace-period flavour waits for.
type GraceKind uint8

// The flavours of grace periods.
const (
	GraceEpoch  GraceKind = iota // every reader that was inside when the wait began
	GraceForget                  // the same, but one reader is forgotten
	GraceSleep                   // a fixed time; no reader is looked at

	// Only the model knows these.
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
