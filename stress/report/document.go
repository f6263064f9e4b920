package report

import "tailpoke/patcher/protocol"

// Overall is what all engines together say.
type Overall string

// The overall verdicts.
const (
	Holds    Overall = "holds"    // as far as the engines can say
	Violated Overall = "violated" // some engine saw a violation
	NoAnswer Overall = "none"     // no engine gave an answer, or one's answer is missing
)

// Document is the verdict on a subject; it is the object "stress/verdict/1".
type Document struct {
	Schema   string    `json:"schema"`
	Subject  Subject   `json:"subject"`
	Seed     string    `json:"seed"`
	Verdicts []Verdict `json:"verdicts"`
	Verdict  Overall   `json:"verdict"`
}

// Subject is a subject by the names of its parts.
type Subject struct {
	Protocol string `json:"protocol"`
	Method   string `json:"method"`
	Grace    string `json:"grace"`
	Layout   string `json:"layout"`
	Threads  int    `json:"threads"`
	Sites    int    `json:"sites"`
	Programs int    `json:"programs"`
	Keys     int    `json:"keys"`
	Object   string `json:"object,omitempty"`
	Entry    string `json:"entry,omitempty"`
}

// Sum says what verdicts come to: a violation outweighs all, and an engine that tested
// nothing leaves the question open.
func Sum(vs []Verdict) Overall {
	answered, open := false, false
	for _, v := range vs {
		switch v.Verdict {
		case protocol.Violated:
			return Violated
		case protocol.Proved, protocol.Safe, protocol.NotObserved:
			answered = true
		case protocol.Vacuous, protocol.Bounded:
			open = true
		}
	}
	if answered && !open {
		return Holds
	}
	return NoAnswer
}

// Of returns the verdict of an engine, or nil.
func (d *Document) Of(e protocol.Engine) *Verdict {
	for i := range d.Verdicts {
		if d.Verdicts[i].Engine == e {
			return &d.Verdicts[i]
		}
	}
	return nil
}
