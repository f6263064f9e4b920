package witness

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"tailpoke/internal/source"
	"tailpoke/patcher/protocol"
)

// A witnessFile is a [Witness] as reports have it. It is written and not read.
type witnessFile struct {
	Property protocol.Property `json:"property"`
	Text     string            `json:"text"`
	Source   source.Line       `json:"source,omitzero"` // of what breaks the property
	Agents   []Actor           `json:"agents"`
	Threads  int               `json:"threads"`
	Programs []string          `json:"programs"`
	Sites    []string          `json:"sites"`
	// Lines where programs begin, by program. One without a file is not known.
	Sources []source.Line `json:"sources,omitempty"`
	// Lines of sites, likewise.
	SiteSources []source.Line `json:"site_sources,omitempty"`

	Cycle int        `json:"cycle,omitempty"`
	Start viewFile   `json:"start"`
	Steps []stepFile `json:"steps"`
}

type stepFile struct {
	choiceFile
	Words string    `json:"words"` // the same for people
	Event string    `json:"event,omitempty"`
	Frees []int     `json:"frees,omitempty"`
	Code  *codeFile `json:"code,omitempty"`
	viewFile
}

type codeFile struct {
	At      string            `json:"at"`
	Bytes   string            `json:"bytes"`
	Text    string            `json:"text"`
	Source  source.Line       `json:"source,omitzero"`
	Count   int               `json:"count"`
	Regs    map[string]string `json:"registers,omitempty"`
	Returns string            `json:"returns,omitempty"`
}

type viewFile struct {
	Positions []string   `json:"positions"` // by thread
	Memory    []siteFile `json:"memory"`    // by site
}

type siteFile struct {
	Gone  bool       `json:"gone,omitempty"`
	Slots []slotFile `json:"slots,omitempty"`
	State string     `json:"state,omitempty"`
}

type slotFile struct {
	Slot  string `json:"slot"`
	Text  string `json:"text"`
	Stale bool   `json:"stale,omitempty"` // some CPU may still fetch other bytes
	Bytes string `json:"bytes,omitempty"`
}

// Fields is a value that has a witness's fields in JSON: schemas are made from it.
func (*Witness) Fields() any { return witnessFile{} }

// MarshalJSON writes the witness as an object, every step as fields. States such as "D>C" stay as
// they are.
func (w *Witness) MarshalJSON() ([]byte, error) {
	out := witnessFile{
		Property: w.Property, Text: w.Text, Source: w.BrokenAt(), Agents: w.Agents, Threads: w.Threads,
		Programs: w.Programs, Sources: known(w.Sources), Cycle: w.Cycle, Start: w.viewFile(&w.Start),
	}
	for i := range w.Sites {
		out.Sites = append(out.Sites, w.SiteName(i))
		out.SiteSources = append(out.SiteSources, w.Sites[i].Source)
	}
	out.SiteSources = known(out.SiteSources)
	choices := w.Choices()
	for i := range w.Steps {
		s := &w.Steps[i]
		f := stepFile{choiceFile: choices[i].file(), Words: w.Words(s), Frees: s.Frees, viewFile: w.viewFile(&s.View)}
		if s.Event != nil {
			f.Event = s.Event.String()
		}
		if s.Code != nil {
			f.Code = w.codeFile(s.Code)
		}
		out.Steps = append(out.Steps, f)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(out)
	return b.Bytes(), err
}

// known are source lines, or nil where none is known.
func known(lines []source.Line) []source.Line {
	if slices.ContainsFunc(lines, source.Line.Known) {
		return lines
	}
	return nil
}

func (w *Witness) codeFile(c *Code) *codeFile {
	f := &codeFile{At: w.Where(c.At), Bytes: hex.EncodeToString(c.Bytes), Text: c.Text, Source: c.At.Source, Count: c.Count}
	for _, r := range c.Regs {
		if f.Regs == nil {
			f.Regs = map[string]string{}
		}
		f.Regs[r.Name] = fmt.Sprintf("%#x", r.Value)
	}
	if c.Returns != nil {
		f.Returns = fmt.Sprintf("%#x", *c.Returns)
	}
	return f
}

func (w *Witness) viewFile(v *View) viewFile {
	f := viewFile{Positions: []string{}, Memory: []siteFile{}}
	for _, p := range v.Threads {
		f.Positions = append(f.Positions, w.Where(p))
	}
	for i := range v.Sites {
		s := &v.Sites[i]
		site := siteFile{Gone: s.Gone, State: s.StateText()}
		for n, slot := range s.Slots {
			site.Slots = append(site.Slots, slotFile{
				protocol.Slot(n).String(), w.Holds(slot.SlotText), slot.Stale, hex.EncodeToString(slot.Bytes),
			})
		}
		f.Memory = append(f.Memory, site)
	}
	return f
}
