package jit

// Off is an offset in an image.
type Off uint32

// Image is the machine code of a program, its functions one after the other without gaps.
// It may be placed anywhere: only the addresses of maps are absolute. Once it has
// its place, the calls of helpers, which Refs lists, must be pointed at them.
type Image struct {
	Program *Program
	Layout  *Layout
	Code    []byte
	Funcs   []Func // as in Program.Funcs; the entry is the first, at offset 0
	Sites   []Site // every tail call, in image order
	Starts  []Off  // start of every machine instruction, ascending
	Insns   []Off  // offset of each instruction of Program.Insns, and last the end
	AdjOff  uint8  // where a tail call enters, counted from the entry
	Refs    []Ref  // operands that are addresses, in image order
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

	Map            string // up to Start: direct sites alone; "" if only Options.Direct made it one
	Key            uint32
	TailcallTarget Off
	TailcallBypass Off
	BypassAddr     Off // where the bypass jump goes: right after the target

	Start, End Off
}

// Slot is one instruction of a direct site that is patched.
type Slot struct {
	Off Off
	Out Off // where its jump leads; 0: into the program that the key holds
}

// Slots lists the slots in the order of their addresses; an indirect site has none. The compiler
// leaves a jump in those that have an Out, and a nop in the others.
func (s *Site) Slots() []Slot {
	if !s.Direct {
		return nil
	}
	return []Slot{{s.TailcallBypass, s.BypassAddr}, {Off: s.TailcallTarget}}
}

// A Ref is an operand that is an address: it says where something lies, not what is done.
// Comparing images of one program, these are what may differ.
type Ref struct {
	Kind RefKind
	Insn int // index of the program's instruction; in a prologue the function's first
	Off  Off // of the operand
	Size int // its bytes

	Helper Helper // of a RefHelper: which one
}

// RefKind is what an address is of.
type RefKind uint8

const (
	RefFunc         RefKind = iota // another function of the program, called
	RefFuncAddr                    // another function, its address loaded
	RefHelper                      // a function outside of the program, see Helper
	RefMap                         // a map
	RefMapValue                    // a value in a map
	RefPerCPU                      // where a CPU's own memory starts
	RefReturnThunk                 // the kernel's return
	RefJumpThunk                   // the kernel's jump to rcx
	RefPrivateStack                // where the function's private stack ends, of Options.PrivateStacks
	RefCallDepth                   // where a CPU counts calls: a byte of the instruction follows
)

// SlotSize is the size of a slot: one near jump, or one nop.
const SlotSize = 5

// Endbr64 is the instruction that marks where an indirect branch may lead to. The decoder of
// golang.org/x/arch does not know it.
const Endbr64 = "\xf3\x0f\x1e\xfa"
