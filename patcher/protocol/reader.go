package protocol

import (
	"slices"
	"strings"
)

// A Period names a kind of grace periods by the readers that it waits for. What a name promises is
// kept: the faulty ways of a [Grace] are those of [OwnPeriod] alone.
type Period uint8

// The kinds of grace periods, as the kernel calls them.
const (
	OwnPeriod  Period = iota // the subject's: as Epoch, carried out in the way of its Grace
	Epoch                    // package patcher/rcu
	RCU                      // synchronize_rcu: rcu_read_lock
	Tasks                    // synchronize_rcu_tasks: until a voluntary context switch
	TasksTrace               // synchronize_rcu_tasks_trace: rcu_read_lock_trace
	SRCU                     // synchronize_srcu: srcu_read_lock

	// Periods is how many there are.
	Periods = 6
)

var periodNames = [Periods]string{"", "epoch", "rcu", "tasks", "tasks-trace", "srcu"}

// String returns the period's name in the grammar; that of the subject's own is empty.
func (g Period) String() string { return periodNames[g] }

// PeriodByName returns the grace period that the grammar calls by a name.
func PeriodByName(name string) (Period, bool) { return byWord[Period](periodNames[:], name) }

// MaxReaders is how many kinds of readers a protocol may have.
const MaxReaders = 4

// A Reader is a kind of callers: which grace periods wait for an execution of it.
type Reader struct {
	Name   string
	Graces []Period
}

// String returns what follows the word "reader" in the protocol grammar.
func (r Reader) String() string {
	names := make([]string, len(r.Graces))
	for i, g := range r.Graces {
		names[i] = g.String()
	}
	return r.Name + ": " + strings.Join(names, ", ")
}

// same reports whether two kinds are one.
func (r Reader) same(o Reader) bool { return r.Name == o.Name && slices.Equal(r.Graces, o.Graces) }

// clone returns a copy that shares no memory with r.
func (r Reader) clone() Reader { return Reader{r.Name, slices.Clone(r.Graces)} }

// Kinds is how many kinds of readers there are. Where the text names none there is one.
func (p Protocol) Kinds() int { return max(1, len(p.Readers)) }

// Awaits reports whether a grace period waits for the readers of a kind. Where the text names no
// kinds, the subject's grace periods wait for all, and those of other names for nobody.
func (p Protocol) Awaits(g Period, kind int) bool {
	if g == OwnPeriod {
		g = Epoch
	}
	if p.Readers == nil {
		return g == Epoch
	}
	return slices.Contains(p.Readers[kind].Graces, g)
}

// NamesGraces reports whether the text says anything of kinds of readers or of grace periods.
func (p Protocol) NamesGraces() bool {
	names := p.Readers != nil
	for op := range opUnload + 1 {
		for _, s := range *p.list(op) {
			names = names || s.Grace != OwnPeriod ||
				slices.ContainsFunc(s.Body, func(s Step) bool { return s.Grace != OwnPeriod })
		}
	}
	return names
}

// waitsForAll is the text of waits that no reader is left out of, whatever its kind.
func (p Protocol) waitsForAll() string {
	var out []string
	for _, r := range p.Readers {
		if w := stepRules[Wait].word + " " + r.Graces[0].String(); !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return strings.Join(out, "; ")
}

// readerWord begins the line of a kind of readers.
const readerWord = "reader"

// reader reads what follows that word.
func (p *parser) reader(to *Protocol) {
	t := p.next()
	r := Reader{Name: t.text}
	switch {
	case t.text == "" || !isWord(t.text[0]):
		p.fail(t, "expected the name of a kind of readers, found %v", t)
	case slices.ContainsFunc(to.Readers, func(o Reader) bool { return o.Name == r.Name }):
		p.fail(t, "reader %s stands twice", r.Name)
	case len(to.Readers) == MaxReaders:
		p.fail(t, "more than %d kinds of readers", MaxReaders)
	}
	for sign := ":"; ; sign = "," {
		p.expect(sign)
		t := p.peek()
		g := p.period()
		if slices.Contains(r.Graces, g) {
			p.fail(t, "%v stands twice", g)
		}
		if r.Graces = append(r.Graces, g); p.peek().text != "," {
			break
		}
	}
	to.Readers = append(to.Readers, r)
}

// period reads the name of a grace period.
func (p *parser) period() Period { return 1 + choose[Period](p, periodNames[1:]) }

// anyPeriod reads the name of a grace period where one may stand, after a step.
func (p *parser) anyPeriod() Period {
	t := p.peek()
	if _, step := stepByWord(t.text); step || t.text == "" || !isWord(t.text[0]) || t.text == "if" || startsLine(t) {
		return OwnPeriod
	}
	return p.period()
}

// parseReaders reads kinds of readers as an edit has them: what follows the word of each line.
func parseReaders(text string) ([]Reader, error) {
	var lines strings.Builder
	for kind := range strings.SplitSeq(text, ";") {
		lines.WriteString(readerWord + " " + kind + "\n")
	}
	p, err := parse(lines.String(), func(p *parser) (out Protocol) {
		for p.peek().text != "" {
			p.expect(readerWord)
			p.reader(&out)
		}
		return out
	})
	return p.Readers, err
}
