package report

// Identity says of how many programs our compiler makes what the running kernel's makes.
type Identity struct {
	Programs    int            `json:"programs"`    // loaded and compared
	Identical   int            `json:"identical"`   // byte for byte
	Opcodes     int            `json:"opcodes"`     // different ones among the translated instructions
	Differences []ProgramNotes `json:"differences"` // of the others

	// Recovered of the identical ones are so only once the depth of a stack, or another decision
	// of the verifier that bpf(2) does not show, was read off the kernel's image.
	Recovered int            `json:"recovered"`
	Rejected  []ProgramNotes `json:"rejected,omitempty"` // samples that could not be loaded, and why

	// Unsupported were loaded and not compared: their images have what package jit does not make.
	Unsupported []ProgramNotes `json:"unsupported,omitempty"`

	Objects []ObjectIdentity `json:"objects,omitempty"` // of the files that were asked about
}

// ObjectIdentity is what an object file adds to an [Identity].
type ObjectIdentity struct {
	Name        string `json:"name"`
	Refused     string `json:"refused,omitempty"` // why it could not be read
	Programs    int    `json:"programs"`          // loaded and compared
	Identical   int    `json:"identical"`
	Recovered   int    `json:"recovered"`
	Rejected    int    `json:"rejected"` // not loaded
	Unsupported int    `json:"unsupported"`
}

// Schema implements [Section].
func (*Identity) Schema() string { return "stress/identity/1" }

// Overall implements [Section].
func (i *Identity) Overall() Overall {
	if i.Programs == 0 {
		return NoAnswer
	}
	return holdsIf(i.Identical == i.Programs)
}

// ProgramNotes is a program and what is to be said of it.
type ProgramNotes struct {
	Name    string `json:"name"`
	Listing string `json:"listing"` // both images side by side, ours on the left; or a reason
}
