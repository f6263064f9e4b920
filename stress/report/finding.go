package report

import "tailpoke/patcher/protocol"

// Finding is something that broke a property, as one engine saw it.
type Finding struct {
	Engine   protocol.Engine   `json:"engine"`
	Property protocol.Property `json:"property"`
	Class    string            `json:"class,omitempty"` // what was wrong, in the engine's word
	Place    Place             `json:"place"`
	// During is the operation that was in progress.
	During string   `json:"during,omitempty"`
	Text   string   `json:"text"`
	Count  int      `json:"count"`           // how often the same was seen
	Log    []string `json:"log,omitempty"`   // what a kernel or a guest wrote about it
	Again  string   `json:"again,omitempty"` // the command that shows it again
}

// Place is where a finding was made. What is not known is left out.
type Place struct {
	Thread  *int   `json:"thread,omitempty"`
	Who     string `json:"who,omitempty"` // saw it where no thread did: the mutator, the watcher
	Program string `json:"program,omitempty"`
	Site    *int   `json:"site,omitempty"`
	Slot    string `json:"slot,omitempty"`
}
