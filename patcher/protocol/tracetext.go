package protocol

import (
	"slices"
	"strconv"
	"strings"
)

// maxProgram bounds a program's number in a trace: it may be an address in an arena.
const maxProgram = 1 << 31

// ParseTrace reads a trace. Errors are of type [*SyntaxError].
func ParseTrace(text string) (Trace, error) {
	t := Trace{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		ps, err := newParser(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return Trace{}, atLine(err, n)
		}
		if ps.peek().text == "" {
			continue
		}
		if ps.peek().text == "records" {
			err = ps.records(&t)
		} else {
			var it Item
			if it, err = ps.item(); err == nil {
				t.Items, t.lines = append(t.Items, it), append(t.lines, n)
			}
		}
		if end := ps.peek(); err == nil && end.text != "" {
			err = end.errorf("expected the end of the line, found %v", end)
		}
		if err != nil {
			return Trace{}, atLine(err, n)
		}
	}
	return t, nil
}

// atLine gives an error of a line that was parsed alone its place in the text.
func atLine(err error, line int) error {
	if se, ok := err.(*SyntaxError); ok {
		return &SyntaxError{line, se.Col, se.Msg}
	}
	return err
}

// records reads the line that says what events were recorded.
func (p *parser) records(t *Trace) error {
	at := p.next()
	if t.Items != nil || t.Records != nil {
		return at.errorf("records must stand before everything else, and once")
	}
	t.Records = []EventKind{}
	for p.peek().text != "" {
		w := p.peek()
		k, err := p.event()
		if err != nil {
			return err
		}
		if slices.Contains(t.Records, k) {
			return w.errorf("%v stands twice", w)
		}
		t.Records = append(t.Records, k)
	}
	if !t.Recorded(Called) || !t.Recorded(Returned) {
		return at.errorf("without called and returned nothing is known of a trace")
	}
	return nil
}

// item reads the line of one item.
func (p *parser) item() (Item, error) {
	it := Item{Event: Event{Desc: NoDesc}, Prog: AnyProg}
	err := p.expect("key")
	if err == nil {
		it.Key, err = p.number("a key", maxIndex)
	}
	if err != nil {
		return it, err
	}
	switch t := p.next(); t.text {
	case "saw":
		it.Kind = Saw
		return it, p.saw(&it)
	case "has":
		it.Kind = Has
		return it, p.has(&it)
	case "omitted":
		it.Kind = Omitted
		return it, p.omitted(&it)
	default:
		ok := false
		if it.Op, ok = OpByName(t.text); !ok {
			return it, t.errorf("expected install, update, remove, saw, has or omitted, found %v", t)
		}
		return it, p.happened(&it)
	}
}

func (p *parser) number(what string, most int) (int, error) {
	t := p.next()
	n, err := strconv.Atoi(t.text)
	if err != nil || n < 0 || n >= most || t.text != strconv.Itoa(n) {
		return 0, t.errorf("expected %s (0 to %d), found %v", what, most-1, t)
	}
	return n, nil
}

// omitted reads "omitted N operations has M sites holds P".
func (p *parser) omitted(it *Item) error {
	var err error
	if it.Count, err = p.number("a number of operations", maxProgram); err != nil {
		return err
	}
	for _, word := range []string{"operations", "has"} {
		if err := p.expect(word); err != nil {
			return err
		}
	}
	if err := p.has(it); err != nil {
		return err
	}
	if err := p.expect("holds"); err != nil {
		return err
	}
	t := p.next()
	if t.text == "nothing" {
		it.Prog = NoProg
		return nil
	}
	return t.program(t.text, &it.Prog)
}

// has reads what follows "has": "N sites" or "N to M sites".
func (p *parser) has(it *Item) error {
	var err error
	if it.Least, err = p.number("a number of sites", maxIndex); err != nil {
		return err
	}
	it.Most = it.Least
	if to := p.peek(); to.text == "to" {
		p.next()
		if it.Most, err = p.number("a number of sites", maxIndex); err != nil {
			return err
		}
		if it.Most <= it.Least {
			return to.errorf("%d to %d sites: the second number must be the greater one", it.Least, it.Most)
		}
	}
	return p.expect("sites")
}

// site reads "site N".
func (p *parser) site(it *Item) error {
	err := p.expect("site")
	if err == nil {
		it.Desc, err = p.number("a site", maxIndex)
	}
	return err
}

// event reads the name of an event.
func (p *parser) event() (EventKind, error) {
	t := p.next()
	k, ok := byWord[EventKind](eventNames[:], t.text)
	if !ok {
		return 0, t.errorf("expected an event (%s), found %v", strings.Join(eventNames[:], ", "), t)
	}
	return k, nil
}

// happened reads an event after the name of its operation.
func (p *parser) happened(it *Item) (err error) {
	if it.Event.Kind, err = p.event(); err != nil {
		return err
	}
	switch next := p.peek(); it.Event.Kind {
	case Called:
		if next.text != "" && it.Op.Gives() {
			p.next()
			return next.program(next.text, &it.Prog)
		}
	case Returned:
	case Poked:
		if err := p.site(it); err != nil {
			return err
		}
		return p.poked(it)
	default:
		if next.text == "site" {
			return p.site(it)
		}
	}
	return nil
}

// program reads a word such as p3.
func (t token) program(word string, to *int) error {
	digits, ok := strings.CutPrefix(word, "p")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || n >= maxProgram || digits != strconv.Itoa(n) {
		return t.errorf("expected a program (p0 to p%d), found %v", maxProgram-1, t)
	}
	*to = n
	return nil
}

// slot reads the name of a slot and the sign after it.
func (p *parser) slot() (Slot, error) {
	t := p.next()
	s, ok := slotByName(t.text)
	if !ok {
		return 0, t.errorf("expected %s, found %v", slotNames(), t)
	}
	return s, p.expect("=")
}

func (p *parser) poked(it *Item) error {
	var err error
	if it.Slot, err = p.slot(); err != nil {
		return err
	}
	if it.To, err = p.content(it.Slot); err != nil {
		return err
	}
	it.Changed = true
	if p.peek().text == "unchanged" {
		p.next()
		it.Changed = false
	}
	return nil
}

// saw reads what an observer read.
func (p *parser) saw(it *Item) error {
	if err := p.site(it); err != nil {
		return err
	}
	for first := true; first || p.peek().text != ""; first = false {
		at := p.peek()
		s, err := p.slot()
		if err != nil {
			return err
		}
		if it.Seen[s].Head != Unread {
			return at.errorf("%v stands twice", s)
		}
		if it.Seen[s], err = p.next().slotText(s); err != nil {
			return err
		}
	}
	return nil
}
