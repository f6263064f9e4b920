package protocol

import (
	"slices"
	"strings"
)

// maxSteps bounds the steps of one operation or method.
const maxSteps = 64

type parser struct {
	toks []token // never empty: the last is the end of the text
}

func newParser(text string) (*parser, error) {
	toks, err := lex(text)
	return &parser{toks}, err
}

func (p *parser) peek() token { return p.toks[0] }

func (p *parser) next() token {
	t := p.toks[0]
	if len(p.toks) > 1 {
		p.toks = p.toks[1:]
	}
	return t
}

func (p *parser) expect(want string) error {
	if t := p.next(); t.text != want {
		return t.errorf("expected %q, found %v", want, t)
	}
	return nil
}

func (p *parser) name(keyword string) (string, error) {
	if err := p.expect(keyword); err != nil {
		return "", err
	}
	t := p.next()
	if t.text == "" || !isWord(t.text[0]) {
		return "", t.errorf("expected the name of the %s, found %v", keyword, t)
	}
	return t.text, nil
}

// ParseProtocol reads the text of one protocol. Errors are of type [*SyntaxError].
func ParseProtocol(text string) (Protocol, error) {
	ps, err := newParser(text)
	if err != nil {
		return Protocol{}, err
	}
	var p Protocol
	if p.Name, err = ps.name("protocol"); err != nil {
		return Protocol{}, err
	}
	seen := map[string]bool{}
	for ps.peek().text != "" {
		t := ps.next()
		if !startsLine(t) {
			return Protocol{}, t.errorf("expected %s, found %v", orList(lineWords()), t)
		}
		if seen[t.text] {
			return Protocol{}, t.errorf("%v stands twice", t.text)
		}
		seen[t.text] = true
		if err := ps.line(&p, t.text); err != nil {
			return Protocol{}, err
		}
	}
	for op := range OpKind(OpKinds) {
		if !seen[op.String()] {
			return Protocol{}, ps.peek().errorf("protocol %s has no %v", p.Name, op)
		}
	}
	return p, nil
}

// parseAll reads a text that is one thing and nothing else.
func parseAll[T any](text string, read func(*parser) (T, error)) (T, error) {
	ps, err := newParser(text)
	if err != nil {
		var none T
		return none, err
	}
	out, err := read(ps)
	if t := ps.peek(); err == nil && t.text != "" {
		err = t.errorf("expected the end of the text, found %v", t)
	}
	return out, err
}

// mutexWord begins the line that names the mutex.
const mutexWord = "mutex"

// lineWords lists the words that begin a line of a protocol. A new line needs a word here, and
// a case in [parser.line] and in [Protocol.String].
func lineWords() []string { return append(opNames[:], mutexWord) }

// startsLine reports whether a token begins a line of a protocol.
func startsLine(t token) bool { return slices.Contains(lineWords(), t.text) }

// line reads what follows the word that begins a line.
func (p *parser) line(to *Protocol, word string) (err error) {
	if op, ok := opByName(word); ok {
		list := to.list(op)
		*list, err = p.steps(op, false)
		return err
	}
	t, ok := p.next(), false
	if to.Mutex, ok = byWord[Mutex](mutexNames[:], t.text); !ok {
		return t.errorf("expected %s, found %v", orList(mutexNames[:]), t)
	}
	return nil
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
func ParseMethod(text string) (Method, error) {
	ps, err := newParser(text)
	if err != nil {
		return Method{}, err
	}
	var m Method
	if m.Name, err = ps.name("method"); err != nil {
		return Method{}, err
	}
	if m.Steps, m.Trap, err = ps.microSteps(); err != nil {
		return Method{}, err
	}
	return m, nil
}

func (p *parser) microSteps() (steps []MicroStep, trap TrapAnswer, err error) {
	for {
		t := p.next()
		word := t.text
		if word == "head" || word == "trap" {
			if err := p.expect("="); err != nil {
				return nil, 0, err
			}
			word += "=" + p.next().text
		}
		var step MicroStep
		answer, ok := strings.CutPrefix(word, "trap=")
		if ok {
			trap, ok = byWord[TrapAnswer](trapNames[:], answer)
		} else if step, ok = MicroStepByWord(word); ok {
			steps = append(steps, step)
		}
		if !ok {
			t.text = word
			return nil, 0, t.errorf("expected a step of a poke method, found %v", t)
		}
		if len(steps) > maxSteps {
			return nil, 0, t.errorf("more than %d steps", maxSteps)
		}
		switch t := p.next(); t.text {
		case "":
			return steps, trap, complete(t, steps)
		case ";":
		default:
			return nil, 0, t.errorf("expected %q or the end of the text, found %v", ";", t)
		}
	}
}

// complete refuses a method that never leaves the whole new instruction in the slot: that
// would be no poke, not even a faulty one.
func complete(end token, steps []MicroStep) error {
	if (Method{Steps: steps}).complete() {
		return nil
	}
	return end.errorf("the method never writes the whole instruction: " +
		"it needs all, bytes, or tail and head=new")
}
