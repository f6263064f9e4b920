package witness

import (
	"bytes"
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
