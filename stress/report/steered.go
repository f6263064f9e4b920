package report

// SteeredCounts is what the engine steered took an unmodified kernel through.
type SteeredCounts struct {
	Release   string `json:"release"`
	Schedules int    `json:"schedules"` // taken to their end
	// Impossible are those that the kernel does not allow, as it waits in some function for a reader.
	Impossible int            `json:"impossible"`
	Waits      map[string]int `json:"waits,omitempty"` // of these, by function
	// Alone counts those of these that the model allows.
	Alone   int `json:"impossible_in_the_kernel_alone"`
	Left    int `json:"left_out"` // that another one stands for
	Moves   int `json:"moves"`
	Restart int `json:"restarts"` // of the machine, after what a kernel does not outlive
	// Once is what the kernel did wrong in schedules that did not end so when they were taken again, and
	// Emulator counts what the emulator did wrong: these schedules were taken again as well.
	Once     []string      `json:"once,omitempty"`
	Emulator int           `json:"emulator_faults,omitempty"`
	Cases    []SteeredCase `json:"cases"`
	// Refused says which callers the kernel does not load, and why.
	Refused map[string]string `json:"refused,omitempty"`
}

// A SteeredCase is one caller, operations on its key, and as many readers.
type SteeredCase struct {
	Caller  string       `json:"caller"`
	Ops     string       `json:"ops"`
	Readers int          `json:"readers"`
	Rows    []SteeredRow `json:"rows"`
	Seconds float64      `json:"seconds"`
}

// A SteeredRow is a place of each reader, and what became of it with the mutator at each of its points: 0
// is before the operation, then come its stores, and its end. A letter each:
//
//	t   the reader ended in a program
//	s   it went on in its caller
//	A   it went on in its caller with its frame unwound
//	w   impossible: the mutator waits
//	.   another schedule stands for it
//	!   the kernel did what the model does not
type SteeredRow struct {
	Places  string `json:"places"`
	Entered int    `json:"entered"` // at which point
	First   int    `json:"first"`   // point of the mutator, of the first letter
	Cells   string `json:"cells"`
}
