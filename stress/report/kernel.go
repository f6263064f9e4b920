package report

import "tailpoke/internal/source"

// KernelCounts is what the kernel engine counted beside what the cpu engine does.
type KernelCounts struct {
	KernelFacts
	Callers   int    `json:"callers"`
	Checked   uint64 `json:"checked"`   // executions of which the result was looked at
	Canaries  uint64 `json:"canaries"`  // of which callee-saved registers were compared with what they were before
	Unchecked uint64 `json:"unchecked"` // that spanned too many operations to say what is legal
	Releases  uint64 `json:"releases"`  // prog arrays let go while sites jumped to their programs
	Frees     uint64 `json:"frees"`     // programs that only their key held when it let them go
	// Overlapped counts the operations of each kind beside which there were checked executions.
	Overlapped map[string]uint64  `json:"overlapped"`
	Latencies  map[string]Latency `json:"latencies"` // of operations, in microseconds
	Watch      *Watch             `json:"watch,omitempty"`
	Unwatched  string             `json:"unwatched,omitempty"`           // why nothing was watched
	Experiment bool               `json:"sites_by_experiment,omitempty"` // the kernel's images are not ours
	Idle       string             `json:"idle,omitempty"`                // why nothing executed the entry
	Made       int                `json:"made,omitempty"`                // programs for keys that the object has not
	Left       string             `json:"left_out,omitempty"`            // why programs were not given to keys
	As         string             `json:"as,omitempty"`                  // what programs were taken for whose sections name no type
	// Uncheckable is why no caller checked itself.
	Uncheckable string       `json:"uncheckable,omitempty"`
	Windows     *Windows     `json:"windows,omitempty"` // in a guest without hardware virtualization
	Phases      []Phase      `json:"phases,omitempty"`  // of operations, and how often each was read
	Foreign     []SlotsCount `json:"foreign,omitempty"` // what was read and is no phase
}

// Windows says how many sites have their window, from bypass to target, across a page. An emulator
// stops threads in these windows alone.
type Windows struct {
	Sites  int    `json:"sites"` // of callers, of keys that change
	Across int    `json:"across_a_page"`
	Loads  int    `json:"loads"`           // copies of callers, to find some
	Error  string `json:"error,omitempty"` // that ended the search early
}

// KernelFacts are what tells kernels apart, beside what they do.
type KernelFacts struct {
	Release     string            `json:"release"`
	Version     string            `json:"version"`
	JIT         map[string]string `json:"jit"`         // settings of the compiler
	Mitigations map[string]string `json:"mitigations"` // by vulnerability
	// GraceMS is how long a grace period of an idle system takes: the median of a few, in
	// milliseconds; 0 if it could not be measured.
	GraceMS float64 `json:"grace_ms"`
}

// Latency is how long calls of bpf(2) took, in microseconds.
type Latency struct {
	Count  int64   `json:"count"`
	Median float64 `json:"median_us"`
	P90    float64 `json:"p90_us"`
	P99    float64 `json:"p99_us"`
	Max    float64 `json:"max_us"`
}

// Watch is what was seen of a kernel's text while sites of it changed.
type Watch struct {
	Sites     int    `json:"sites"`               // watched
	Unwatched int    `json:"unwatched,omitempty"` // more sites of the same keys
	Reads     uint64 `json:"reads"`               // of an image, twice in a row
	Unsteady  uint64 `json:"unsteady"`            // sites that were read and changed meanwhile
	Noted     uint64 `json:"noted"`               // observations in the trace: others said nothing new
	Dropped   uint64 `json:"dropped"`             // those that the taker of the trace had no room for

	Slots        []string       `json:"slots"` // of a site, by name
	Seen         []SlotsCount   `json:"seen"`
	Findings     []WatchFinding `json:"findings,omitempty"` // the first that differ
	MoreFindings int            `json:"more_findings,omitempty"`
	Error        string         `json:"error,omitempty"` // that ended the watch early
}

// SlotsCount is what the slots of a site held together, and how often that was read while an
// operation of the site's key was in progress, or none.
type SlotsCount struct {
	Slots   []string `json:"slots"`           // in the words of traces, without numbers of programs
	State   string   `json:"state,omitempty"` // where all are whole instructions
	Install uint64   `json:"install"`
	Update  uint64   `json:"update"`
	Remove  uint64   `json:"remove"`
	Idle    uint64   `json:"idle"`
}

// WatchFinding is a slot that held what is no instruction of it.
type WatchFinding struct {
	Text   string      `json:"text"`
	Count  int         `json:"count"` // reads
	Source source.Line `json:"source,omitzero"`
}

// A Phase is what an operation makes of a site on its way. The words are those of [SlotsCount];
// where an operation replaces one jump by another, the new one is "jump-new".
type Phase struct {
	Op    string   `json:"op"`
	Slots []string `json:"slots"`
	Seen  uint64   `json:"seen"` // reads
}
