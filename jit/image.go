package jit

// Off is an offset in an image.
type Off uint32

// Image is the machine code of a program, its functions one after the other without gaps.
// It may be placed anywhere: only the addresses of maps are absolute.
type Image struct {
	Program *Program
	Layout  *Layout
	Code    []byte
	Funcs   []Func // as in Program.Funcs; the entry is the first, at offset 0
	Sites   []Site // every tail call, in image order
	Starts  []Off  // start of every machine instruction, ascending
	Insns   []Off  // offset of each instruction of Program.Insns, and last the end
	AdjOff  uint8  // where a tail call enters, counted from the entry
}

// Func is the machine code of one function.
type Func struct {
	Name string
	Off  Off
	Size Off
}

// Site is the machine code of one tail call.
//
// A direct site has two slots of SlotSize bytes. The compiler leaves it in state C: a jump
// to BypassAddr in the bypass, and a nop in the target.
type Site struct {
	Insn, Func int // indexes of the program's instruction and function
	Direct     bool

	Map            string // the rest up to Start: direct sites alone
	Key            uint32
	TailcallTarget Off
	TailcallBypass Off
	BypassAddr     Off // where the bypass jump goes: right behind the target

	Start, End Off
}

// SlotSize is the size of a slot: one near jump, or one nop.
const SlotSize = 5
