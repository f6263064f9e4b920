package report

import "tailpoke/patcher/protocol"

// Search is what a search found.
type Search struct {
	Protocol string       `json:"protocol"` // its other operations stay what they are
	Method   string       `json:"method"`
	Grace    string       `json:"grace"`
	Steps    int          `json:"steps"`  // an operation has at most so many
	Sites    int          `json:"sites"`  // costs are those of an operation on so many
	Shapes   []ModelShape `json:"shapes"` // on each of them the model judged
	Searches []OpSearch   `json:"searches"`
}

// Schema implements [Section].
func (*Search) Schema() string { return "stress/search/1" }

// Overall implements [Section]: it holds where something safe was found for every operation.
func (s *Search) Overall() Overall {
	for _, op := range s.Searches {
		switch {
		case op.Safe == 0 && op.Bounded > 0:
			return NoAnswer
		case op.Safe == 0:
			return Violated
		}
	}
	return Holds
}

// OpSearch is the search for one operation. What was enumerated is pruned or judged;
// what was judged is refuted or safe.
type OpSearch struct {
	Op         string                    `json:"op"`
	Enumerated int                       `json:"enumerated"` // texts
	Pruned     SearchPruned              `json:"pruned"`
	Candidates int                       `json:"candidates"` // left to be judged
	Judged     int                       `json:"judged"`     // fewer than Candidates if the search was ended
	Refuted    map[protocol.Property]int `json:"refuted"`    // by the property of a shortest execution
	Vacuous    int                       `json:"vacuous"`    // no thread ever ran a program
	Bounded    int                       `json:"bounded"`    // the bound on states was hit
	Safe       int                       `json:"safe"`
	Spare      int                       `json:"spare"`   // of the safe: a step can be left out
	Classes    int                       `json:"classes"` // of the others; see Found.Class
	Found      []Found                   `json:"found"`   // the safe ones, the cheapest first
}

// SearchPruned counts the texts that no engine was asked about, by the reason.
type SearchPruned struct {
	Silent  int `json:"silent"`  // never publishes: the map keeps what it held
	Leaks   int `json:"leaks"`   // never frees the replaced program
	Frees   int `json:"frees"`   // frees it twice
	Early   int `json:"early"`   // frees it before it publishes
	Repeats int `json:"repeats"` // does what an earlier text does
}

// Callers says whom a protocol keeps safe.
type Callers string

// The kinds of callers.
const (
	AllCallers    Callers = "all"
	DirectCallers Callers = "direct" // indirect ones may run a freed program
)

// Found is a safe operation.
type Found struct {
	// Rank counts costs: those that cost the same share one. It is 0 for a spare one.
	Rank int    `json:"rank"`
	Text string `json:"text"`           // of the operation
	Name string `json:"name,omitempty"` // of the known protocol that it makes
	Cost        // on the report's sites
	// WaitsPer and PokesPer are the costs on N sites: "N", "2N", "N+1".
	WaitsPer string `json:"waits_per"`
	PokesPer string `json:"pokes_per"`
	// Estimate is what the costs come to at the prices that were measured in the
	// running kernel ([PokeSeconds], [WaitSeconds]).
	Estimate float64 `json:"estimate_seconds"`
	Leaves   string  `json:"leaves"`  // the states of its sites after it
	Callers  Callers `json:"callers"` // by a rule: the model has no indirect callers
	// Spare says that a step can be left out: what is left is safe for the same callers,
	// leaves the same states and costs no more.
	Spare bool `json:"spare"`
	// Class numbers what differs in the places of publish, retire and free alone; First
	// is set for the one that stands for its class, and Orders counts all of it.
	Class    int    `json:"class"`
	First    bool   `json:"first"`
	Orders   int    `json:"orders"`
	Protocol string `json:"protocol"` // the text of the whole
}

// The prices of Found.Estimate, medians measured on 6.18 with two CPUs.
const (
	PokeSeconds = 55e-6
	WaitSeconds = 10e-3
)

// Cost is what one operation costs.
type Cost struct {
	Waits int `json:"waits"` // grace periods that it waits for
	Pokes int `json:"pokes"` // that change a byte
}

// Best returns the cheapest, at most so many: of each class the first, none that is spare.
func (s *OpSearch) Best(most int) []Found {
	out := []Found{}
	for _, f := range s.Found {
		if f.First && len(out) < most {
			out = append(out, f)
		}
	}
	return out
}
