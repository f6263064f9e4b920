package protocol

import (
	"slices"
	"strconv"
	"strings"
)

// maxSteps bounds the steps of one operation or method.
const maxSteps = 64

// A parser reads a text from its first token on. After a fault nothing is left to read, so that the
// first one is what is reported.
type parser struct {
	toks []token // never empty: the last is the end of the text
	err  error   // the first fault
}

// newParser returns a parser of a text whose first line has a number.
func newParser(text string, line int) *parser {
	p := &parser{}
	if p.toks, p.err = lex(text, line); p.err != nil {
		p.toks = []token{{}}
	}
	return p
}

// parse reads a text that is one thing and nothing else.
func parse[T any](text string, read func(*parser) T) (T, error) {
	p := newParser(text, 1)
	out := read(p)
	if t := p.peek(); t.text != "" {
		p.fail(t, "expected the end of the text, found %v", t)
	}
	if p.err != nil {
		var none T
		return none, p.err
	}
	return out, nil
}

// fail notes a fault at a token.
func (p *parser) fail(at token, format string, args ...any) {
	if p.err == nil {
		p.err = at.errorf(format, args...)
		p.toks = []token{{}}
	}
}

func (p *parser) peek() token { return p.toks[0] }

func (p *parser) next() token {
	t := p.toks[0]
	if len(p.toks) > 1 {
		p.toks = p.toks[1:]
	}
	return t
}

func (p *parser) expect(want string) {
	if t := p.next(); t.text != want {
		p.fail(t, "expected %q, found %v", want, t)
	}
}

// choose reads a word that is one of those of the values of a type.
func choose[T ~uint8](p *parser, words []string) T {
	t := p.next()
	v, ok := byWord[T](words, t.text)
	if !ok {
		p.fail(t, "expected %s, found %v", orList(words), t)
	}
	return v
}

// byWord finds a word among those of the values of a type.
func byWord[T ~uint8](words []string, word string) (T, bool) {
	i := slices.Index(words, word)
	return T(max(i, 0)), i >= 0
}

// orList writes "a, b or c".
func orList(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// number reads a number below most, without zeros before it.
func (p *parser) number(what string, most int) int {
	t := p.next()
	n, err := strconv.Atoi(t.text)
	if err != nil || n < 0 || n >= most || t.text != strconv.Itoa(n) {
		p.fail(t, "expected %s (0 to %d), found %v", what, most-1, t)
	}
	return n
}

// name reads the line that names what the text has.
func (p *parser) name(keyword string) string {
	p.expect(keyword)
	t := p.next()
	if t.text == "" || !isWord(t.text[0]) {
		p.fail(t, "expected the name of the %s, found %v", keyword, t)
	}
	return t.text
}

// ParseProtocol reads the text of one protocol. Errors are of type [*SyntaxError].
func ParseProtocol(text string) (Protocol, error) { return parse(text, (*parser).protocol) }

func (p *parser) protocol() Protocol {
	out := Protocol{Name: p.name("protocol")}
	seen := map[string]bool{}
	for p.peek().text != "" {
		t := p.next()
		if !startsLine(t) {
			p.fail(t, "expected %s, found %v", orList(lineWords()), t)
		}
		switch {
		case t.text == readerWord && len(seen) > 0:
			p.fail(t, "%v must stand before all other lines", t.text)
		case seen[t.text]:
			p.fail(t, "%v stands twice", t.text)
		}
		if t.text != readerWord {
			seen[t.text] = true
		}
		p.line(&out, t.text)
	}
	for op := range OpKind(OpKinds) {
		if !seen[op.String()] {
			p.fail(p.peek(), "protocol %s has no %v", out.Name, op)
		}
	}
	return out
}

// mutexWord begins the line that names the mutex.
const mutexWord = "mutex"

// lineWords lists the words that begin a line of a protocol. A new line needs a word here, and
// a case in [parser.line] and in [Protocol.String].
func lineWords() []string { return append(opNames[:], mutexWord, readerWord) }

// startsLine reports whether a token begins a line of a protocol.
func startsLine(t token) bool { return slices.Contains(lineWords(), t.text) }

// line reads what follows the word that begins a line.
func (p *parser) line(to *Protocol, word string) {
	if op, ok := opByName(word); ok {
		*to.list(op) = p.steps(op, false)
		return
	}
	if word == readerWord {
		p.reader(to)
		return
	}
	to.Mutex = choose[Mutex](p, mutexNames[:])
}

// list returns the steps of an operation, those on copies of the caller included.
func (p *Protocol) list(op OpKind) *[]Step {
	switch op {
	case opLoad:
		return &p.Load
	case opUnload:
		return &p.Unload
	default:
		return &p.Ops[op]
	}
}

func opByName(name string) (OpKind, bool) { return byWord[OpKind](opNames[:], name) }

// ParseMethod reads the text of one poke method. Errors are of type [*SyntaxError].
func ParseMethod(text string) (Method, error) { return parse(text, (*parser).method) }

func (p *parser) method() Method {
	m := Method{Name: p.name("method")}
	answered := false
	for {
		t := p.next()
		word := t.text
		if word == "head" || word == "trap" {
			p.expect("=")
			word += "=" + p.next().text
		}
		var step MicroStep
		answer, ok := strings.CutPrefix(word, trapWord)
		if ok {
			if answered {
				p.fail(t, "a second answer to a trap, where one is expected at most")
			}
			answered = true
			m.Trap, ok = byWord[TrapAnswer](trapNames[:], answer)
		} else if step, ok = MicroStepByWord(word); ok {
			m.Steps = append(m.Steps, step)
		}
		if !ok {
			t.text = word
			p.fail(t, "expected %s, found %v", orList(methodWords()), t)
		}
		if len(m.Steps) > maxSteps {
			p.fail(t, "more than %d steps", maxSteps)
		}
		end := p.peek()
		switch {
		case end.text == ";":
			p.next()
			continue
		case end.text != "" && end.line > t.line:
			continue
		case end.text != "":
			p.fail(end, "expected %q, the next line or the end of the text, found %v", ";", end)
		case !m.complete():
			// That would be no poke, not even a faulty one.
			p.fail(t, "the method never writes the whole instruction: it needs all, bytes, or tail "+
				"and head=new, as every slot also changes between nop and jump")
		}
		return m
	}
}
