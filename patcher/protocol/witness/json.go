package witness

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
)

// A choiceFile is a [Choice] as files have it: a field for what the action's kind concerns, and
// no others.
type choiceFile struct {
	Actor  Actor  `json:"actor"`
	Call   string `json:"call,omitempty"` // a line of a script
	Do     string `json:"do"`
	Op     string `json:"op,omitempty"`
	Key    *int   `json:"key,omitempty"`
	Prog   *int   `json:"program,omitempty"`
	Same   bool   `json:"same,omitempty"`
	Copy   *int   `json:"copy,omitempty"`
	Thread *int   `json:"thread,omitempty"`
	Site   *int   `json:"site,omitempty"`
	Slot   string `json:"slot,omitempty"`
	To     string `json:"to,omitempty"`
	Step   string `json:"step,omitempty"`
	Text   string `json:"text,omitempty"`
	Grace  string `json:"grace,omitempty"`
	Reader string `json:"reader,omitempty"`
	Round  bool   `json:"round,omitempty"`
}

func (c Choice) file() choiceFile {
	a := &c.Action
	f := choiceFile{
		Actor: c.Actor, Do: a.Do.String(), Key: some(a.Key), Prog: some(a.Prog), Same: a.Same,
		Copy: some(a.Copy), Thread: some(a.Thread), Site: some(a.Site), Round: c.Round,
		Grace: a.Grace.String(), Reader: a.Reader,
	}
	if c.Call != nil {
		f.Call = c.Call.String()
	}
	if a.Do.hasOp() {
		f.Op = a.Op.String()
	}
	if a.Site != None && a.Do.hasSlot() {
		f.Slot, f.To, f.Text = a.Slot.String(), words(a.To), words(a.Text)
	}
	if a.Do == Store {
		f.Step = a.Step.String()
	}
	return f
}

// hasOp reports whether an action of the kind concerns an operation.
func (d Do) hasOp() bool { return d == Call || d == Return }

// hasSlot reports whether an action of the kind concerns one slot of its site.
func (d Do) hasSlot() bool {
	return slices.Contains([]Do{Store, NoPoke, Refused, Mismatch, PokeGone, Look, Fetch, Trap, Torn, Handle, Retry, Late, Lost}, d)
}

// some is n, or nil for None.
func some(n int) *int {
	if n == None {
		return nil
	}
	return &n
}

// words are those of a text; of one that was not read there are none.
func words(t protocol.SlotText) string {
	if t.Head == protocol.Unread {
		return ""
	}
	return t.String()
}

// Fields is a value that has a choice's fields in JSON: schemas are made from it.
func (Choice) Fields() any { return choiceFile{} }

// MarshalJSON writes the choice as an object.
func (c Choice) MarshalJSON() ([]byte, error) { return json.Marshal(c.file()) }

// UnmarshalJSON reads what MarshalJSON writes. An error names the choice and the field.
func (c *Choice) UnmarshalJSON(raw []byte) error {
	var f choiceFile
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(&f)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("%s: a %s cannot stand there", wrong.Field, wrong.Value)
	}
	if err == nil {
		*c, err = f.choice()
	}
	if err != nil {
		return fmt.Errorf("choice %.100s: %w", raw, err)
	}
	return nil
}

func (f *choiceFile) choice() (Choice, error) {
	do := slices.Index(doWords[:], f.Do)
	if do < 0 {
		return Choice{}, fmt.Errorf("do: %q is no action", f.Do)
	}
	c := Choice{Actor: f.Actor, Action: Act(Do(do)), Round: f.Round}
	a := &c.Action
	for _, n := range []struct {
		from *int
		to   *int
		name string
	}{
		{f.Key, &a.Key, "key"}, {f.Prog, &a.Prog, "program"}, {f.Copy, &a.Copy, "copy"},
		{f.Thread, &a.Thread, "thread"}, {f.Site, &a.Site, "site"},
	} {
		if n.from == nil {
			continue
		}
		if *n.to = *n.from; *n.from < 0 {
			return c, fmt.Errorf("%s: %d is less than 0", n.name, *n.from)
		}
	}
	a.Same, a.Reader = f.Same, f.Reader
	return c, f.texts(&c)
}

// texts reads the fields that are words.
func (f *choiceFile) texts(c *Choice) error {
	a := &c.Action
	if f.Call != "" {
		s, err := protocol.ParseScript(f.Call)
		if err != nil || len(s) != 1 {
			return fmt.Errorf("call: %q is no call of a script", f.Call)
		}
		c.Call = &s[0]
	}
	if f.Op != "" {
		var ok bool
		if a.Op, ok = protocol.OpByName(f.Op); !ok {
			return fmt.Errorf("op: %q is no operation", f.Op)
		}
	}
	if f.Step != "" {
		var ok bool
		if a.Step, ok = protocol.MicroStepByWord(f.Step); !ok {
			return fmt.Errorf("step: %q is no step of a poke method", f.Step)
		}
	}
	if f.Grace != "" {
		var ok bool
		if a.Grace, ok = protocol.PeriodByName(f.Grace); !ok {
			return fmt.Errorf("grace: %q is no grace period", f.Grace)
		}
	}
	if f.Slot == "" {
		return nil
	}
	var err error
	if a.Slot, err = protocol.SlotByName(f.Slot); err != nil {
		return fmt.Errorf("slot: %w", err)
	}
	for _, t := range []struct {
		words, name string
		to          *protocol.SlotText
	}{{f.To, "to", &a.To}, {f.Text, "text", &a.Text}} {
		if t.words == "" {
			continue
		}
		if *t.to, err = protocol.ParseSlotText(a.Slot, t.words); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

// A witnessFile is a [Witness] as reports have it. It is written and not read.
type witnessFile struct {
	Property protocol.Property `json:"property"`
	Text     string            `json:"text"`
	Agents   []Actor           `json:"agents"`
	Threads  int               `json:"threads"`
	Programs []string          `json:"programs"`
	Sites    []string          `json:"sites"`
	Cycle    int               `json:"cycle,omitempty"`
	Start    viewFile          `json:"start"`
	Steps    []stepFile        `json:"steps"`
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
		Property: w.Property, Text: w.Text, Agents: w.Agents, Threads: w.Threads,
		Programs: w.Programs, Cycle: w.Cycle, Start: w.viewFile(&w.Start),
	}
	for i := range w.Sites {
		out.Sites = append(out.Sites, w.SiteName(i))
	}
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

func (w *Witness) codeFile(c *Code) *codeFile {
	f := &codeFile{At: w.Where(c.At), Bytes: hex.EncodeToString(c.Bytes), Text: c.Text, Count: c.Count}
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
