package report

import (
	"bytes"
	"encoding/json"
	"slices"

	"tailpoke/patcher/protocol"
)

// Overall is what all engines together say.
type Overall string

// The overall verdicts.
const (
	Holds    Overall = "holds"    // as far as the engines can say
	Violated Overall = "violated" // some engine saw a violation
	NoAnswer Overall = "none"     // no engine gave an answer, or one's answer is missing
	// Disagree: two engines contradict each other, so that the harness itself is at fault.
	Disagree Overall = "engines disagree"
)

// Document is what a verb answers with. Fields that say nothing are left out.
type Document struct {
	Schema   string    `json:"schema"` // what the object is, and its version: "stress/verdict/2"
	Tool     Tool      `json:"tool,omitzero"`
	Machine  Machine   `json:"machine,omitzero"`
	Guest    *Guest    `json:"guest,omitempty"`   // the virtual machine in which that ran, if it did
	Again    string    `json:"again,omitempty"`   // the command line that makes the same document again
	Bundled  *Bundled  `json:"bundled,omitempty"` // what was seen in the bundle that the document is of
	Subject  *Subject  `json:"subject,omitempty"`
	Seed     string    `json:"seed,omitempty"`
	Verdicts []Verdict `json:"verdicts,omitempty"` // one for each engine that was asked
	// Sections are what a verb finds beside verdicts. In JSON their fields stand in the document's
	// place.
	Sections []Section `json:"-"`
	Findings []Finding `json:"findings,omitempty"` // of no engine's; in JSON of all
	// Disagreements are the pairs of verdicts that cannot both be right.
	Disagreements []Disagreement `json:"disagreements,omitempty"`
	Verdict       Overall        `json:"verdict,omitempty"`
	Summary       string         `json:"summary,omitempty"` // what it rests on, in a line
	Expect        Overall        `json:"expect,omitempty"`  // the verdict that is a success; [Holds] if it is empty
	// Required are the engines that must not be skipped, or unsupported.
	Required []protocol.Engine `json:"required,omitempty"`
	Seconds  float64           `json:"seconds,omitempty"`
	Error    string            `json:"error,omitempty"` // why there is no answer: the harness failed
}

// Section is what one verb finds.
type Section interface {
	// Schema is that of a document with this section.
	Schema() string
	// Overall is what the section comes to, or "" where it judges nothing.
	Overall() Overall
}

// New makes the document of one section.
func New(s Section) *Document {
	return &Document{Schema: s.Schema(), Sections: []Section{s}, Verdict: s.Overall()}
}

// Tool is the program that made a document.
type Tool struct {
	Module   string `json:"module"`
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the version control system
	Time     string `json:"time,omitempty"`     // of the revision
	Modified bool   `json:"modified,omitempty"` // the checkout had other changes
	Go       string `json:"go"`
}

// Machine is where that program ran.
type Machine struct {
	Platform string `json:"platform"` // operating system and architecture
	CPU      string `json:"cpu"`      // the processor, as far as the system tells
	CPUs     int    `json:"cpus"`
	Kernel   string `json:"kernel"` // its release, on Linux
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
	// The texts of what is not built in, whatever its name is.
	ProtocolText string `json:"protocol_text,omitempty"`
	MethodText   string `json:"method_text,omitempty"`
}

// Conclude says what the verdicts come to.
func (d *Document) Conclude() {
	d.Verdict = Sum(d.Verdicts)
	if d.Disagreements = Disagreements(d.Verdicts); d.Disagreements != nil {
		d.Verdict = Disagree
	}
}

// Sum says what verdicts come to, if they do not contradict each other: a violation outweighs all, and an engine that tested
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

// Lacks reports whether an engine has no answer that must have one.
func (d *Document) Lacks(v *Verdict) bool {
	return (v.Verdict == protocol.Skipped || v.Verdict == protocol.Unsupported) && slices.Contains(d.Required, v.Engine)
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

// MarshalJSON writes one object: the document's fields, and in it those of the sections.
func (d *Document) MarshalJSON() ([]byte, error) {
	type plain Document // without this method
	all := plain(*d)
	for _, v := range d.Verdicts {
		all.Findings = append(slices.Clip(all.Findings), v.Findings...)
	}
	out, err := object(&all)
	if err != nil {
		return nil, err
	}
	for _, s := range d.Sections {
		fields, err := object(s)
		if err != nil {
			return nil, err
		}
		if fields = bytes.TrimPrefix(fields, []byte("{")); len(fields) > 1 { // more than the other brace
			out = append(append(out[:len(out)-1], ','), fields...)
		}
	}
	return out, nil
}

// object is a value as JSON has it. Texts of states such as "D>C" stay as they are.
func object(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}
