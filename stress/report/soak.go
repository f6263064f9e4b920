package report

import (
	"math"

	"tailpoke/patcher/protocol"
)

// Soak is what runs of a soak came to together: those of one process, or of every process that has
// soaked on one folder of state. The sums of each engine are its verdict in the document.
type Soak struct {
	State    string       `json:"state,omitempty"` // the schema of the folder's journal; "" without a folder
	Until    string       `json:"until,omitempty"` // what ends the soak early, as the command line has it
	Began    string       `json:"began"`           // the first run, UTC as in RFC 3339
	Last     string       `json:"last"`            // the last sample, likewise
	Runs     []SoakRun    `json:"runs"`
	Engines  []SoakEngine `json:"engines"`
	Findings []Finding    `json:"-"` // in JSON they are among the document's
}

// Schema implements [Section].
func (*Soak) Schema() string { return "stress/soak/1" }

// Overall implements [Section]: the verdicts say what a soak comes to, and they are the document's.
func (*Soak) Overall() Overall { return "" }

// SoakRun is one start of the command.
type SoakRun struct {
	Began   string  `json:"began"` // UTC as in RFC 3339
	Tool    Tool    `json:"tool"`
	Machine Machine `json:"machine"`
	Guest   *Guest  `json:"guest,omitempty"`
	Rounds  int     `json:"rounds"`
	Seconds float64 `json:"seconds"` // of its rounds together
}

// SoakEngine is what one engine did.
type SoakEngine struct {
	Engine  protocol.Engine `json:"engine"`
	Rounds  int             `json:"rounds"` // each in a process of its own, with a seed of its own
	Seconds float64         `json:"seconds"`
	// Trials are the cycles that bound the rate: of rounds in which executions overlapped every kind
	// of operation, and were looked at.
	Trials uint64 `json:"trials"`
	// Ends counts rounds by how they ended: an [End].
	Ends   map[End]int `json:"ends"`
	Series []Sample    `json:"series"` // in order; thinned out, the last one is always there
}

// An End is how a round ended.
type End string

// The ends of rounds.
const (
	Done      End = "done"      // its time was over, or enough is known
	Stopped   End = "stopped"   // a signal ended the soak
	Killed    End = "killed"    // nobody was there to say: its last sample stands
	Crashed   End = "crash"     // the process died of what it executed
	Hung      End = "hang"      // it said nothing any more, and was ended
	Grew      End = "memory"    // it had more memory than it may, and was ended
	Failed    End = "failed"    // the harness failed
	Violating End = "violation" // it ended with a finding
)

// Ended is what became of a round.
type Ended struct {
	How     End
	Verdict *Verdict // nil, if it had none to give any more
	Text    string   // why it has none
	Log     string   // where its threads stood
}

// Sample is a soak at one moment, as one engine had it. Counts are sums over all rounds up to there,
// and never go back.
type Sample struct {
	At         int64   `json:"at"`      // seconds since 1970
	Seconds    float64 `json:"seconds"` // that the engine had run by then, over all rounds
	Round      int     `json:"round"`
	Executions uint64  `json:"executions"`
	Cycles     uint64  `json:"cycles"`
	Trials     uint64  `json:"trials"`
	Bad        uint64  `json:"bad"` // executions with a finding
	// RateMax bounds the violations per cycle with [CPUCounts.Confidence]; 1 says nothing, and 0
	// stands where a violation was seen.
	RateMax float64   `json:"rate_max"`
	Child   Resources `json:"child"`  // the process of the round
	Parent  Resources `json:"parent"` // the one that keeps the state
}

// Resources are what a process has.
type Resources struct {
	Memory     uint64 `json:"memory"` // resident, in bytes
	Files      int    `json:"files"`  // descriptors
	Goroutines int    `json:"goroutines"`
	Threads    int    `json:"threads"`
}

// Beat is what the process of a round says about once a second.
type Beat struct {
	Seconds  float64    `json:"seconds"` // since the round began
	Counts   *CPUCounts `json:"counts"`
	Trials   uint64     `json:"trials"`
	Bad      uint64     `json:"bad"`
	Findings []Finding  `json:"findings,omitempty"`
	Process  Resources  `json:"process"`
}

// RateMax bounds the number of violations per cycle when so many cycles showed none: were it higher,
// that would have had a chance of less than 1 - confidence (a Poisson process). 1 says nothing.
func RateMax(cycles uint64, confidence float64) float64 {
	if cycles == 0 {
		return 1
	}
	return min(1, -math.Log(1-confidence)/float64(cycles))
}

// Near says how close threads came to what would be a finding.
type Near struct {
	Pokes    uint64 `json:"pokes"`     // that were looked at
	InWindow uint64 `json:"in_window"` // of these, that began while a thread stood between the slots of a site
	Threads  uint64 `json:"threads"`   // that stood there, over all these pokes
}

// A Histogram counts durations in buckets whose bounds are powers of the square root of 2.
// Bucket i is of those above 2^((i-1)/2) microseconds and up to 2^(i/2); the first one of those up
// to 1, and the last one has all longer ones. Trailing empty buckets are left out.
type Histogram []uint64

// HistogramBuckets is how many a histogram may have: up to 67 seconds.
const HistogramBuckets = 54

// Bound is the upper bound of a bucket, in microseconds.
func (Histogram) Bound(bucket int) float64 { return math.Pow(2, float64(bucket)/2) }

// Bucket is the one of a duration in microseconds.
func Bucket(us float64) int {
	if us <= 1 {
		return 0
	}
	return min(int(math.Ceil(2*math.Log2(us)-1e-9)), HistogramBuckets-1)
}

// Add adds what another one counted.
func (h *Histogram) Add(o Histogram) {
	for len(*h) < len(o) {
		*h = append(*h, 0)
	}
	for i, n := range o {
		(*h)[i] += n
	}
}
