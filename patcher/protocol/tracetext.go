package protocol

import (
	"math"
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
		p := newParser(strings.TrimSuffix(line, "\n"), n)
		switch p.peek().text {
		case "":
		case "records":
			p.records(&t)
		default:
			t.Items, t.lines = append(t.Items, p.item()), append(t.lines, n)
		}
		if end := p.peek(); end.text != "" {
			p.fail(end, "expected the end of the line, found %v", end)
		}
		if p.err != nil {
			return Trace{}, p.err
		}
	}
	return t, nil
}

// records reads the line that says what events were recorded.
func (p *parser) records(t *Trace) {
	at := p.next()
	if t.Items != nil || t.Records != nil {
		p.fail(at, "records must stand before everything else, and once")
	}
	t.Records = []EventKind{}
	for p.peek().text != "" {
		w := p.peek()
		k := p.event()
		if slices.Contains(t.Records, k) {
			p.fail(w, "%v stands twice", w)
		}
		t.Records = append(t.Records, k)
	}
	if !t.Recorded(Called) || !t.Recorded(Returned) {
		p.fail(at, "without called and returned nothing is known of a trace")
	}
}

// item reads the line of one item.
func (p *parser) item() Item {
	it := Item{Event: Event{Desc: NoDesc}, Prog: AnyProg}
	p.expect("key")
	it.Key = p.number("a key", maxIndex)
	switch t := p.next(); t.text {
	case "saw":
		it.Kind = Saw
		p.saw(&it)
	case "has":
		it.Kind = Has
		p.has(&it)
	case "omitted":
		it.Kind = Omitted
		p.omitted(&it)
	default:
		ok := false
		if it.Op, ok = OpByName(t.text); !ok {
			p.fail(t, "expected install, update, remove, saw, has or omitted, found %v", t)
		}
		p.happened(&it)
	}
	if p.peek().text == "at" {
		p.next()
		it.At = int64(p.number("nanoseconds", math.MaxInt))
	}
	return it
}

// more reports whether an item goes on, other than with its time.
func (p *parser) more() bool { return p.peek().text != "" && p.peek().text != "at" }

// omitted reads "omitted N operations has M sites holds P".
func (p *parser) omitted(it *Item) {
	it.Count = p.number("a number of operations", maxProgram)
	p.expect("operations")
	p.expect("has")
	p.has(it)
	p.expect("holds")
	if p.peek().text == "nothing" {
		p.next()
		it.Prog = NoProg
		return
	}
	it.Prog = p.program()
}

// has reads what follows "has": "N sites", "1 site" or "N to M sites".
func (p *parser) has(it *Item) {
	it.Least = p.number("a number of sites", maxIndex)
	it.Most = it.Least
	if to := p.peek(); to.text == "to" {
		p.next()
		if it.Most = p.number("a number of sites", maxIndex); it.Most <= it.Least {
			p.fail(to, "%d to %d sites: the second number must be the greater one", it.Least, it.Most)
		}
	}
	if it.Least == 1 && it.Most == 1 && p.peek().text == "site" {
		p.next()
		return
	}
	p.expect("sites")
}

// site reads "site N".
func (p *parser) site(it *Item) {
	p.expect("site")
	it.Desc = p.number("a site", maxIndex)
}

// event reads the name of an event.
func (p *parser) event() EventKind {
	t := p.next()
	k, ok := byWord[EventKind](eventNames[:], t.text)
	if !ok {
		p.fail(t, "expected an event (%s), found %v", strings.Join(eventNames[:], ", "), t)
	}
	return k
}

// happened reads an event after the name of its operation.
func (p *parser) happened(it *Item) {
	it.Event.Kind = p.event()
	switch next := p.peek().text; it.Event.Kind {
	case Called:
		if p.more() && it.Op.Gives() {
			it.Prog = p.program()
		}
	case Returned:
	case Poked:
		p.site(it)
		it.Slot = p.slot()
		it.To = p.content(it.Slot)
		if it.Changed = p.peek().text != "unchanged"; !it.Changed {
			p.next()
		}
	default:
		if next == "site" {
			p.site(it)
		}
	}
}

// program reads a word such as p3.
func (p *parser) program() int {
	t := p.next()
	n, ok := programOf(t.text)
	if !ok {
		p.fail(t, "expected a program (p0 to p%d), found %v", maxProgram-1, t)
	}
	return n
}

// programOf is the program that a word such as p3 names.
func programOf(word string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(word, "p")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0 && n < maxProgram && digits == strconv.Itoa(n)
}

// saw reads what an observer read.
func (p *parser) saw(it *Item) {
	p.site(it)
	for first := true; first || p.more(); first = false {
		at := p.peek()
		s := p.slot()
		if it.Seen[s].Head != Unread {
			p.fail(at, "%v stands twice", s)
		}
		it.Seen[s] = p.slotText(s)
	}
}
