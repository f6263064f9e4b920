package protocol

import (
	"fmt"
	"slices"
	"strings"
)

// A stepRule is what the grammar knows of a kind of step. A new kind needs a rule here. If
// something follows its word, it also needs a case in [parser.rest] and in [Step.String].
type stepRule struct {
	word string
	of   opSet // the operations that have such a step
	each place

	// Parts of errors: lacks is a format of an operation without such a step and the word;
	// about says why the step stands inside each, or outside.
	lacks, about string
}

// An opSet is a set of operations, those on copies of the caller included.
type opSet uint8

const (
	onKeys    opSet = 1<<Install | 1<<Update | 1<<Remove
	replacing opSet = 1<<Update | 1<<Remove
	ofLoad    opSet = 1 << opLoad
	ofUnload  opSet = 1 << opUnload
	everyOp         = onKeys | ofLoad | ofUnload
)

// A place says where a step may stand.
type place uint8

const (
	anywhere place = iota
	inside         // each { }
	outside
)

const (
	hasNo        = "%v has no %s"
	replacesNone = "%v replaces no program that it could %s"
	loadAlone    = "%[2]s is a step of load alone"
	unloadAlone  = "%[2]s is a step of unload alone"

	theKey      = "concerns the key, not a descriptor,"
	theCopy     = "concerns the copy, not a descriptor,"
	aDescriptor = "concerns a descriptor"
)

// stepRules are the kinds of steps. A poke has the name of its slot for a word.
var stepRules = [...]stepRule{
	Publish: {"publish", onKeys, outside, hasNo, theKey},
	Each:    {"each", onKeys | ofLoad, outside, "%v changes no descriptor: it has no %s", ""},
	Poke:    {"poke", everyOp, inside, "", "names a descriptor's slot"},
	Wait:    {"wait", everyOp, anywhere, "", ""},
	Retire:  {"retire", replacing, outside, replacesNone, theKey},
	Free:    {"free", replacing | ofUnload, outside, replacesNone, theKey},
	Track:   {"track", ofLoad, outside, loadAlone, theCopy},
	Read:    {"read", ofLoad, inside, loadAlone, aDescriptor},
	Stable:  {"stable", ofLoad, inside, loadAlone, aDescriptor},
	Open:    {"open", ofLoad, outside, loadAlone, theCopy},
	Untrack: {"untrack", ofUnload, outside, unloadAlone, theCopy},
}

// String returns the kind's word in the grammar; that of a poke is its slot's name.
func (k StepKind) String() string { return stepRules[k].word }

// stepByWord finds the kind of a step that begins with a word.
func stepByWord(word string) (StepKind, bool) {
	if _, ok := slotByName(word); ok {
		return Poke, true
	}
	i := slices.IndexFunc(stepRules[:], func(r stepRule) bool { return r.word == word })
	return StepKind(max(i, 0)), i >= 0 && i != int(Poke)
}

// fault says why a step may not stand where it does; "" if it may.
func (r *stepRule) fault(word string, op OpKind, inEach bool) string {
	switch {
	case r.of>>op&1 == 0:
		return fmt.Sprintf(r.lacks, op, word)
	case inEach && r.word == stepRules[Each].word:
		return word + " inside " + word
	case inEach && r.each == outside:
		return word + " " + r.about + " and must stand outside each { }"
	case !inEach && r.each == inside:
		return word + " " + r.about + " and must stand inside each { }"
	}
	return ""
}

// parseSteps reads a text that is the steps of one operation and nothing else.
func parseSteps(text string, op OpKind) ([]Step, error) {
	return parseAll(text, func(p *parser) ([]Step, error) { return p.steps(op, false) })
}

// steps reads steps up to a closing brace, the next line of the protocol, or the end.
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
	kind, ok := stepByWord(t.text)
	if !ok {
		return Step{}, t.errorf("expected a step, found %v", t)
	}
	if fault := stepRules[kind].fault(t.text, op, inEach); fault != "" {
		return Step{}, t.errorf("%s", fault)
	}
	s := Step{Kind: kind}
	err := p.rest(&s, t.text, op)
	return s, err
}

// rest reads what follows the word of a step.
func (p *parser) rest(s *Step, word string, op OpKind) (err error) {
	switch s.Kind {
	case Poke:
		s.Slot, _ = slotByName(word)
		if err = p.expect("="); err != nil {
			return err
		}
		t := p.peek()
		s.To, err = p.content(s.Slot)
		if err == nil && tailCall.Slots[s.Slot].May[s.To].Leads == ToProgram && !op.Gives() {
			err = t.errorf("%v gives the key no program that the %v could jump to", op, s.Slot)
		}
	case Wait:
		s.IfChanged, err = p.ifChanged(op)
	case Each:
		if err = p.expect("{"); err == nil {
			s.Body, err = p.steps(op, true)
		}
		if err == nil {
			err = p.expect("}")
		}
	}
	return err
}

// ifChanged reads what may follow a wait: "if changed".
func (p *parser) ifChanged(op OpKind) (bool, error) {
	t := p.peek()
	if t.text != "if" {
		return false, nil
	}
	p.next()
	if op == opUnload {
		return false, t.errorf("%v changes no byte: its wait is for all cases", op)
	}
	return true, p.expect("changed")
}

// content reads what a poke leaves in a slot.
func (p *parser) content(slot Slot) (Content, error) {
	t := p.next()
	var names []string
	for _, i := range tailCall.Slots[slot].May {
		names = append(names, i.Name)
	}
	to, ok := byWord[Content](names, t.text)
	if !ok {
		return 0, t.errorf("expected %s, found %v", orList(names), t)
	}
	return to, nil
}

// slotByName finds the slot that the grammar calls by a name.
func slotByName(name string) (Slot, bool) {
	i := slices.IndexFunc(tailCall.Slots, func(k SlotKind) bool { return k.Name == name })
	return Slot(max(i, 0)), i >= 0
}

func slotNames() string {
	var names []string
	for _, k := range tailCall.Slots {
		names = append(names, k.Name)
	}
	return orList(names)
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
