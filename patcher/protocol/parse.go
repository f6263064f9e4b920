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
			return Protocol{}, t.errorf("expected install, update, remove, load, unload or mutex, found %v", t)
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

// mutexWord begins the line that names the mutex.
const mutexWord = "mutex"

// startsLine reports whether a token begins a line of a protocol.
func startsLine(t token) bool {
	_, isOp := opByName(t.text)
	return isOp || t.text == mutexWord
}

// line reads what follows the word that begins a line.
func (p *parser) line(to *Protocol, word string) (err error) {
	if word == mutexWord {
		t := p.next()
		ok := false
		if to.Mutex, ok = mutexByName(t.text); !ok {
			return t.errorf("expected map, key or none, found %v", t)
		}
		return nil
	}
	op, _ := opByName(word)
	switch op {
	case opLoad:
		to.Load, err = p.steps(op, false)
	case opUnload:
		to.Unload, err = p.steps(op, false)
	default:
		to.Ops[op], err = p.steps(op, false)
	}
	return err
}

func opByName(name string) (OpKind, bool) {
	for i, n := range opNames {
		if n == name {
			return OpKind(i), true
		}
	}
	return 0, false
}

// parseSteps reads a text that is the steps of one operation and nothing else.
func parseSteps(text string, op OpKind) ([]Step, error) {
	ps, err := newParser(text)
	if err != nil {
		return nil, err
	}
	steps, err := ps.steps(op, false)
	if t := ps.peek(); err == nil && t.text != "" {
		err = t.errorf("expected the end of the text, found %v", t)
	}
	return steps, err
}

// steps reads steps up to a closing brace, the next operation, or the end.
func (p *parser) steps(op OpKind, inEach bool) ([]Step, error) {
	out := []Step{}
	for {
		t := p.peek()
		if len(out) == 0 && (startsLine(t) || t.text == "" || t.text == "}") {
			return out, nil
		}
		s, err := p.step(op, inEach)
		if err != nil {
			return nil, err
		}
		if out = append(out, s); len(out) > maxSteps {
			return nil, t.errorf("more than %d steps", maxSteps)
		}
		if p.peek().text != ";" {
			return out, p.endOfSteps(inEach)
		}
		p.next()
	}
}

// endOfSteps reports whether what follows a step may follow the last one.
func (p *parser) endOfSteps(inEach bool) error {
	t := p.peek()
	switch {
	case inEach && t.text == "}", !inEach && (startsLine(t) || t.text == ""):
		return nil
	case inEach:
		return t.errorf("expected %q or %q, found %v", ";", "}", t)
	default:
		return t.errorf("expected %q or the next operation, found %v", ";", t)
	}
}

func (p *parser) step(op OpKind, inEach bool) (Step, error) {
	t := p.next()
	if slot, ok := slotByName(t.text); ok {
		return p.poke(t, slot, op, inEach)
	}
	switch t.text {
	case "wait":
		return Step{Kind: Wait}, nil
	case "publish", "retire", "free":
		return mapStep(t, op, inEach)
	case "track", "read", "stable", "open", "untrack":
		return copyStep(t, op, inEach)
	case "each":
		return p.each(t, op, inEach)
	}
	return Step{}, t.errorf("expected a step, found %v", t)
}

// copyStep reads a step that a load or an unload alone has.
func copyStep(t token, op OpKind, inEach bool) (Step, error) {
	kind := map[string]StepKind{
		"track": Track, "read": Read, "stable": Stable, "open": Open, "untrack": Untrack,
	}[t.text]
	of := opLoad
	if kind == Untrack {
		of = opUnload
	}
	if op != of {
		return Step{}, t.errorf("%s is a step of %v alone", t.text, of)
	}
	switch perDesc := kind == Read || kind == Stable; {
	case perDesc && !inEach:
		return Step{}, t.errorf("%s concerns a descriptor and must stand inside each { }", t.text)
	case !perDesc && inEach:
		return Step{}, t.errorf("%s concerns the copy, not a descriptor, and must stand outside each { }", t.text)
	}
	return Step{Kind: kind}, nil
}

// poke reads what follows the name of a slot.
func (p *parser) poke(t token, slot Slot, op OpKind, inEach bool) (Step, error) {
	if !inEach {
		return Step{}, t.errorf("%s names a descriptor's slot and must stand inside each { }", t.text)
	}
	if err := p.expect("="); err != nil {
		return Step{}, err
	}
	c, may := p.next(), tailCall.Slots[slot].May
	to := slices.IndexFunc(may, func(i Instruction) bool { return i.Name == c.text })
	switch {
	case to < 0:
		return Step{}, c.errorf("expected %s, found %v", contentNames(may), c)
	case may[to].Leads == ToProgram && !op.Gives():
		return Step{}, c.errorf("%v gives the key no program that the %v could jump to", op, slot)
	}
	return Step{Kind: Poke, Slot: slot, To: Content(to)}, nil
}

// slotByName finds the slot that the grammar calls by a name.
func slotByName(name string) (Slot, bool) {
	i := slices.IndexFunc(tailCall.Slots, func(k SlotKind) bool { return k.Name == name })
	return Slot(max(i, 0)), i >= 0
}

func slotNames() string {
	names := make([]string, len(tailCall.Slots))
	for i, k := range tailCall.Slots {
		names[i] = k.Name
	}
	return strings.Join(names, " or ")
}

func contentNames(may []Instruction) string {
	names := make([]string, len(may))
	for i := range may {
		names[i] = may[i].Name
	}
	return strings.Join(names, " or ")
}

func mapStep(t token, op OpKind, inEach bool) (Step, error) {
	if inEach {
		return Step{}, t.errorf("%s concerns the key, not a descriptor, and must stand outside each { }", t.text)
	}
	kind := map[string]StepKind{"publish": Publish, "retire": Retire, "free": Free}[t.text]
	switch {
	case op == opLoad, op == opUnload && kind != Free:
		return Step{}, t.errorf("%v has no %s", op, t.text)
	case op == opUnload:
		return Step{Kind: kind}, nil
	}
	if kind != Publish && !op.Replaces() {
		return Step{}, t.errorf("%v replaces no program that it could %s", op, t.text)
	}
	return Step{Kind: kind}, nil
}

func (p *parser) each(t token, op OpKind, inEach bool) (Step, error) {
	if inEach {
		return Step{}, t.errorf("each inside each")
	}
	if op == opUnload {
		return Step{}, t.errorf("%v changes no descriptor: it has no each", op)
	}
	if err := p.expect("{"); err != nil {
		return Step{}, err
	}
	body, err := p.steps(op, true)
	if err != nil {
		return Step{}, err
	}
	return Step{Kind: Each, Body: body}, p.expect("}")
}

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
		if answer, ok := trapByText(word); ok {
			trap = answer
		} else if step, ok := MicroStepByWord(word); ok {
			steps = append(steps, step)
		} else {
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

// complete refuses a method that cannot leave the whole new instruction behind: it
// would not be a faulty poke but none.
func complete(end token, steps []MicroStep) error {
	if (Method{Steps: steps}).complete() {
		return nil
	}
	return end.errorf("the method never writes the whole instruction: " +
		"it needs all, bytes, or tail and head=new")
}

func trapByText(word string) (TrapAnswer, bool) {
	for i, n := range trapNames {
		if "trap="+n == word {
			return TrapAnswer(i), true
		}
	}
	return 0, false
}
