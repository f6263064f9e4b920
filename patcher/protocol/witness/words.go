package witness

import (
	"fmt"

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

// action says what an action does.
func (w *Witness) action(a *Action) string {
	switch {
	case a.Do <= Return:
		return w.mutatorWords(a)
	case a.Do <= Reclaim:
		return w.loaderWords(a)
	}
	return w.threadWords(a)
}

func (w *Witness) mutatorWords(a *Action) string {
	switch a.Do {
	case Nothing:
		return "nothing to do"
	case Call:
		text := fmt.Sprintf("%v key %d", a.Op, a.Key)
		if a.Prog != None {
			text += " to " + w.program(a.Prog)
		}
		return text + ": called"
	case Return:
		return fmt.Sprintf("%v key %d: returns", a.Op, a.Key)
	case Publish:
		return "publish " + w.program(a.Prog)
	case Store:
		return w.poke(a) + a.Step.String()
	case NoPoke:
		return w.poke(a) + "nothing to do"
	case Mismatch:
		return w.poke(a) + "finds " + w.Holds(a.Text)
	case PokeGone:
		return w.poke(a) + "its program is freed, passed by"
	case Look:
		return w.poke(a) + "expects " + w.Holds(a.Text)
	case Pass:
		return w.SiteName(a.Site) + ": not stable, passed by"
	case Wait:
		return "wait: begins" + forgets(a)
	case Waited:
		return "wait: ends"
	case Scan:
		return fmt.Sprintf("looks for the epoch of thread %d: none", a.Thread)
	case NoWait:
		return "wait: skipped, no byte changed"
	}
	text := "retire "
	if a.Do == Free {
		text = "free "
	}
	text += w.program(a.Prog)
	if a.Same {
		text += ": the key was given it anew"
	}
	return text + forgets(a)
}

func forgets(a *Action) string {
	if a.Thread == None {
		return ""
	}
	return fmt.Sprintf(", forgets thread %d", a.Thread)
}

// poke names what a poke leads to.
func (w *Witness) poke(a *Action) string {
	return fmt.Sprintf("%s%v=%s: ", w.at(a.Site), a.Slot, w.Holds(a.To))
}

// at names a site in front of one of its slots, where there are several.
func (w *Witness) at(site int) string {
	if len(w.Sites) == 1 {
		return ""
	}
	return w.SiteName(site) + " "
}

func (w *Witness) loaderWords(a *Action) string {
	switch a.Do {
	case LookUp:
		holds := "empty"
		if a.Prog != None {
			holds = w.program(a.Prog)
		}
		return fmt.Sprintf("%s: reads key %d: %s", w.SiteName(a.Site), a.Key, holds)
	case Stable:
		return w.SiteName(a.Site) + ": stable"
	case Load, Unload:
		return a.Do.String() + " " + copyName(a.Copy) + ": called"
	case Unloaded:
		return copyName(a.Copy) + ": returns"
	case FreeCopy:
		return "free " + copyName(a.Copy)
	case Track, Untrack, Open:
		return a.Do.String() + " " + copyName(a.Copy)
	case Arrive:
		return "(load) " + w.program(a.Prog)
	case Forget:
		return "(rcu) untrack " + w.program(a.Prog)
	}
	return "(rcu) free " + w.program(a.Prog)
}

func copyName(n int) string { return fmt.Sprintf("copy %d", n) }

func (w *Witness) threadWords(a *Action) string {
	slot := ""
	if a.Do.hasSlot() {
		slot = w.at(a.Site) + a.Slot.String() + " "
	}
	switch a.Do {
	case Enter:
		if a.Copy != None {
			return "enters " + copyName(a.Copy)
		}
		return "enters"
	case Epoch:
		return "reads the epoch"
	case Drain:
		return "its epoch becomes visible"
	case Fetch:
		return slot + w.acts(a)
	case Trap:
		return slot + "int3: traps"
	case Torn:
		return slot + "torn"
	case Handle:
		return "handler: acts as " + w.acts(a)
	case Retry:
		return "handler: runs the byte again"
	case Late:
		return "handler: the poke is over, runs the byte again"
	case Lost:
		return "handler: an int3 of no poke"
	case Read:
		if a.Prog == None {
			return fmt.Sprintf("reads key %d: empty, falls through", a.Key)
		}
		return fmt.Sprintf("reads key %d: jumps to %s", a.Key, w.program(a.Prog))
	case Run:
		return "runs in " + w.program(a.Prog) + ", exits"
	case Back:
		return fmt.Sprintf("runs in %s, which returns to before %s", w.program(a.Prog), w.SiteName(a.Site))
	case Execute:
		return "runs in " + w.program(a.Prog)
	case Gone:
		if a.Copy != None {
			return "executes in " + copyName(a.Copy)
		}
		return "executes in " + w.program(a.Prog)
	}
	return "exits"
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

// code names an offset in an image.
func (w *Witness) code(p Position) string { return fmt.Sprintf("%s+%#x", w.program(p.Program), p.Off) }
