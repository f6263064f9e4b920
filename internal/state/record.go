package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// Schema is that of a journal as it is written here.
const Schema = "stress/soak-state/1"

// A Record is a line of a journal: one of these.
type Record struct {
	Head     *Head           `json:"head,omitempty"`
	Run      *Run            `json:"run,omitempty"`
	Verdict  *report.Verdict `json:"verdict,omitempty"` // of an engine that explores, without its witness
	Round    *Round          `json:"round,omitempty"`
	Tick     *Tick           `json:"tick,omitempty"`
	Finding  *Seen           `json:"finding,omitempty"`
	Finished *Finished       `json:"finished,omitempty"`
}

// Head says what is soaked. It never changes.
type Head struct {
	Schema  string            `json:"schema"`
	Subject *report.Subject   `json:"subject"`
	Engines []protocol.Engine `json:"engines"`
	Seed    string            `json:"seed"` // from which those of rounds are drawn
	// Job is the whole subject and its workload, as text that needs no other file.
	Job   json.RawMessage `json:"job"`
	Again string          `json:"again"` // the command line that began it
}

// Run is a start of the command.
type Run struct {
	Began   string         `json:"began"` // UTC as in RFC 3339
	Tool    report.Tool    `json:"tool"`
	Machine report.Machine `json:"machine"`
	Guest   *report.Guest  `json:"guest,omitempty"`
	// Confidence is the level of bounds, and Until what ends the soak early.
	Confidence float64 `json:"confidence"`
	Until      string  `json:"until,omitempty"`
	MinCycles  uint64  `json:"min_cycles,omitempty"`
}

// Round is the beginning of a round.
type Round struct {
	Round   int             `json:"round"` // from 1, over all engines and runs
	Engine  protocol.Engine `json:"engine"`
	Seed    string          `json:"seed"`
	At      string          `json:"at"`      // when it began, UTC as in RFC 3339
	Seconds float64         `json:"seconds"` // that it is to take
}

// Tick is what a round has come to, up to a moment.
type Tick struct {
	Round   int     `json:"round"`
	At      int64   `json:"at"`      // seconds since 1970
	Seconds float64 `json:"seconds"` // since the round began
	// Trials are the cycles that bound the rate: all, or none while executions did not overlap every
	// kind of operation.
	Trials uint64            `json:"trials"`
	Bad    uint64            `json:"bad"` // executions with a finding
	Counts *report.CPUCounts `json:"counts"`
	Child  report.Resources  `json:"child"`
	Parent report.Resources  `json:"parent"`
}

// Finished is the end of a round, with its last tick.
type Finished struct {
	Tick
	How report.End `json:"how"`
	// Verdict is the engine's own, where it had one to give.
	Verdict *report.Verdict `json:"verdict,omitempty"`
}

// Seen is a finding whose count has grown: the count is that of the round.
type Seen struct {
	Round   int            `json:"round"`
	Finding report.Finding `json:"finding"`
}

// Stamp is a moment as records have it.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func stampOf(seconds int64) string { return Stamp(time.Unix(seconds, 0)) }

// Same says in what a soak that goes on differs from the one that began the state.
func (h *Head) Same(engines []protocol.Engine, job json.RawMessage) error {
	var kept bytes.Buffer
	if err := json.Compact(&kept, h.Job); err != nil {
		return err
	}
	if !slices.Equal(engines, h.Engines) || !bytes.Equal(kept.Bytes(), job) {
		return fmt.Errorf("another soak was begun there, by: %s", h.Again)
	}
	return nil
}
