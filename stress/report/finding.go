package report

import (
	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
)

// Finding is something that broke a property, as one engine saw it; or of a soak what else is worth
// a look.
type Finding struct {
	Engine   protocol.Engine   `json:"engine"`
	Kind     FindingKind       `json:"kind,omitempty"`     // of a soak
	Property protocol.Property `json:"property,omitempty"` // of a violation
	Class    string            `json:"class,omitempty"`    // what was wrong, in the engine's word
	Place    Place             `json:"place"`
	// During is the operation that was in progress.
	During string `json:"during,omitempty"`
	Text   string `json:"text"`
	Count  int    `json:"count"` // how often the same was seen
	// AtLeast: records were cut, and it may have been seen more often.
	AtLeast bool     `json:"at_least,omitempty"`
	Log     []string `json:"log,omitempty"`    // what a kernel or a guest wrote about it
	Again   string   `json:"again,omitempty"`  // the command that shows it again
	Script  string   `json:"script,omitempty"` // the calls up to the first one, as stress run --script takes them
	// Of a soak: findings with one key count as one. Bundle is the file with all that is known, in the
	// folder of the state; First and Last are when it was seen, UTC as in RFC 3339.
	Key    string `json:"key,omitempty"`
	Bundle string `json:"bundle,omitempty"`
	First  string `json:"first,omitempty"`
	Last   string `json:"last,omitempty"`
}

// A FindingKind is what sort of thing a soak found.
type FindingKind string

// The kinds of findings.
const (
	OfProperty     FindingKind = "violation"    // an engine saw a property broken
	OfCrash        FindingKind = "crash"        // the process of a round died
	OfHang         FindingKind = "hang"         // an engine said nothing any more
	OfMemory       FindingKind = "memory"       // an engine had more memory than it may
	OfDisagreement FindingKind = "disagreement" // two engines contradict each other
	OfVacuous      FindingKind = "vacuous"      // a round tested nothing
	OfKernel       FindingKind = "oops"         // a kernel wrote that it went wrong
)

// Place is where a finding was made. What is not known is left out.
type Place struct {
	Thread  *int   `json:"thread,omitempty"`
	Who     string `json:"who,omitempty"` // saw it where no thread did: the mutator, the watcher
	Program string `json:"program,omitempty"`
	Site    *int   `json:"site,omitempty"`
	Slot    string `json:"slot,omitempty"`
	// Source is the line of the program that was executed, or that the site is of.
	Source source.Line `json:"source,omitzero"`
}
