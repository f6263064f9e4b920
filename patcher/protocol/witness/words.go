package witness

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tailpoke/patcher/protocol"
)

// Words says for people what a step does.
func (w *Witness) Words(s *Step) string {
	text := w.action(&s.Action)
	if s.Call != nil {
		text = s.Call.String() + ": " + text
	}
	for _, p := range s.Frees {
		text += "; " + w.program(p) + " is freed"
	}
	if s.Code != nil && s.Code.Returns != nil {
		text += fmt.Sprintf("; returns %#x", *s.Code.Returns)
	}
	return text
}

// ChoiceWords says for people what is done, and by which actor.
func (w *Witness) ChoiceWords(c Choice) string {
	return c.Actor.String() + ": " + w.Words(&Step{Choice: c})
}

// phrases say what actions do. What stands in braces is of the action at hand: [Witness.action].
var phrases = [numDos]string{
	Nothing:  "nothing to do",
	Call:     "{op} key {key}{to}: called",
	Publish:  "publish {program}",
	Store:    "{poke}: {step}",
	NoPoke:   "{poke}: nothing to do",
	Mismatch: "{poke}: finds {text}",
	PokeGone: "{poke}: its program is freed, passed by",
	Look:     "{poke}: expects {text}",
	Pass:     "{site}: not stable, passed by",
	Wait:     "wait{grace}: begins{forgets}",
	Waited:   "wait: ends",
	Scan:     "looks for the epoch of thread {thread}: none",
	NoWait:   "wait{grace}: skipped, no byte changed",
	Retire:   "retire {program}{after}{same}{forgets}",
	Free:     "free {program}{same}{forgets}",
	Return:   "{op} key {key}: returns",

	Load:     "load {image}: called",
	Unload:   "unload {image}: called",
	Track:    "track {image}",
	Untrack:  "untrack {image}",
	LookUp:   "{site}: reads key {key}: {held}",
	Stable:   "{site}: stable",
	Open:     "open {image}",
	FreeCopy: "free {image}",
	Unloaded: "{image}: returns",
	Known:    "{image}: its text is known",
	Unknown:  "{image}: its text is known no more",
	Refused:  "{poke}: refused, its text is not known; taken for done",

	Arrive:  "(load) {program}",
	Forget:  "(rcu) untrack {program}",
	Reclaim: "(rcu) free {program}",

	Enter:   "enters{copy}{reader}",
	Epoch:   "reads the epoch",
	Drain:   "its epoch becomes visible",
	Fetch:   "{slot} {acts}",
	Trap:    "{slot} int3: traps",
	Torn:    "{slot} torn",
	Handle:  "handler: acts as {acts}",
	Retry:   "handler: runs the byte again",
	Late:    "handler: the poke is over, runs the byte again",
	Lost:    "handler: an int3 of no poke",
	Read:    "reads key {key}: {jumps}",
	Run:     "runs in {program}, exits",
	Back:    "runs in {program}, which returns to before {site}",
	Execute: "runs in {program}",
	Gone:    "executes in {image}",
	Leave:   "exits",
}

// action says what an action does.
func (w *Witness) action(a *Action) string {
	program := w.program(a.Prog)
	to, held, jumps := " to "+program, program, "jumps to "+program
	if a.Prog == None {
		to, held, jumps = "", "empty", "empty, falls through"
	}
	image, copied := program, ""
	if a.Copy != None {
		image = fmt.Sprintf("copy %d", a.Copy)
		copied = " " + image
	}
	same, forgets := "", ""
	if a.Same {
		same = ": the key was given it anew"
	}
	if a.Thread != None {
		forgets = fmt.Sprintf(", forgets thread %d", a.Thread)
	}
	reader, grace, after := "", "", ""
	if a.Reader != "" {
		reader = " as " + a.Reader
	}
	if a.Grace != protocol.OwnPeriod {
		grace, after = " "+a.Grace.String(), " after "+a.Grace.String()
	}
	slot := a.Slot.String()
	if len(w.Sites) != 1 {
		slot = w.SiteName(a.Site) + " " + slot
	}
	return strings.NewReplacer(
		"{op}", a.Op.String(), "{key}", strconv.Itoa(a.Key), "{step}", a.Step.String(),
		"{program}", program, "{to}", to, "{held}", held, "{jumps}", jumps,
		"{image}", image, "{copy}", copied, "{site}", w.SiteName(a.Site), "{slot}", slot,
		"{poke}", slot+"="+w.Holds(a.To), "{text}", w.Holds(a.Text), "{acts}", w.acts(a),
		"{same}", same, "{thread}", strconv.Itoa(a.Thread), "{forgets}", forgets,
		"{reader}", reader, "{grace}", grace, "{after}", after,
	).Replace(phrases[a.Do])
}

// acts says what an instruction of a slot makes a thread do.
func (w *Witness) acts(a *Action) string {
	text := w.Holds(a.Text)
	if c, whole := a.Text.Content(); whole {
		site := protocol.TailCall()
		text += ": " + site.Slots[a.Slot].May[c].Does
	}
	return text
}

// program names a program.
func (w *Witness) program(p int) string {
	switch {
	case p == None:
		return "nothing"
	case p >= len(w.Programs):
		return fmt.Sprintf("p%d", p)
	}
	return w.Programs[p]
}

// SiteName names a site, with its image where that is not the first one.
func (w *Witness) SiteName(i int) string {
	if i < 0 || i >= len(w.Sites) {
		return "no site"
	}
	name := fmt.Sprintf("site %d", w.Sites[i].Number)
	if in := w.Sites[i].In; in != "" {
		return in + "'s " + name
	}
	return name
}

// Holds says what a slot holds, with programs by their names.
func (w *Witness) Holds(t protocol.SlotText) string { return t.Words(w.program) }

// String returns the words for what memory holds, with a star where a CPU may fetch other bytes.
func (w *Witness) slot(s *SlotView) string {
	text := w.Holds(s.SlotText)
	if s.Stale {
		text += "*"
	}
	return text
}

// StateText is the letter of the site's state, or two, such as "D>C", while a poke is between
// them; "" where the image is not there.
func (s *SiteView) StateText() string {
	switch {
	case s.Gone:
		return ""
	case s.From == s.To:
		return s.From.String()
	}
	return s.From.String() + ">" + s.To.String()
}

// Where says where a thread stands.
func (w *Witness) Where(p Position) string {
	text := ""
	switch p.Place {
	case Idle:
		return "idle"
	case Entering:
		return "entering"
	case PastSites:
		return "past the sites"
	case Outside:
		text = fmt.Sprintf("%#x", p.Addr)
	case InProgram:
		text = "in " + w.program(p.Program)
	case AtSlot:
		text = w.SiteName(p.Site) + " " + p.Slot.String()
		if p.Off != None {
			text = fmt.Sprintf("%s (%s)", w.code(p), text)
		}
	case InCode:
		text = w.code(p)
	}
	if p.Trapped {
		text += ", trapped"
	}
	return text
}

// Broken is the witness's text, and the source line of that, if it is not a site's: those have a legend.
func (w *Witness) Broken() string {
	at := w.BrokenAt()
	if slices.ContainsFunc(w.Sites, func(s Site) bool { return s.Source == at }) {
		return w.Text
	}
	return at.Behind(w.Text)
}

// Stands is Where with the source line, as far as it is known.
func (w *Witness) Stands(p Position) string { return p.Source.Behind(w.Where(p)) }

// code names an offset in an image.
func (w *Witness) code(p Position) string { return fmt.Sprintf("%s+%#x", w.program(p.Program), p.Off) }
