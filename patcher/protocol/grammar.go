package protocol

import (
	"fmt"
	"slices"
)

// A stepRule is what the grammar knows of a kind of step. A new kind needs a rule here. If
// something follows its word, it also needs a case in [parser.step] and in [Step.String].
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
	Known:   {"known", ofLoad, outside, loadAlone, theCopy},
	Unknown: {"unknown", ofUnload, outside, unloadAlone, theCopy},
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
	return parse(text, func(p *parser) []Step { return p.steps(op, false) })
}

// steps reads steps up to a closing brace, the next line of the protocol, or the end.
func (p *parser) steps(op OpKind, inEach bool) []Step {
	out := []Step{}
	for {
		t := p.peek()
		if len(out) == 0 && (startsLine(t) || t.text == "" || t.text == "}") {
			return out
		}
		if out = append(out, p.step(op, inEach)); len(out) > maxSteps {
			p.fail(t, "more than %d steps", maxSteps)
		}
		if p.peek().text != ";" {
			p.endOfSteps(inEach)
			return out
		}
		p.next()
	}
}

// endOfSteps refuses what may not follow the last step.
func (p *parser) endOfSteps(inEach bool) {
	t := p.peek()
	switch {
	case inEach && t.text == "}", !inEach && (startsLine(t) || t.text == ""):
	case inEach:
		p.fail(t, "expected %q or %q, found %v", ";", "}", t)
	default:
		p.fail(t, "expected %q or the next operation, found %v", ";", t)
	}
}

func (p *parser) step(op OpKind, inEach bool) Step {
	t := p.next()
	kind, ok := stepByWord(t.text)
	if !ok {
		p.fail(t, "expected a step, found %v", t)
	} else if fault := stepRules[kind].fault(t.text, op, inEach); fault != "" {
		p.fail(t, "%s", fault)
	}
	s := Step{Kind: kind}
	switch kind {
	case Poke:
		s.Slot, _ = slotByName(t.text)
		p.expect("=")
		to := p.peek()
		s.To = p.content(s.Slot)
		if tailCall.Slots[s.Slot].May[s.To].Leads == ToProgram && !op.Gives() {
			p.fail(to, "%v gives the key no program that the %v could jump to", op, s.Slot)
		}
	case Wait:
		s.Grace = p.anyPeriod()
		s.IfChanged = p.ifChanged(op)
	case Retire:
		s.Grace = p.anyPeriod()
	case Each:
		p.expect("{")
		s.Body = p.steps(op, true)
		p.expect("}")
	}
	return s
}

// ifChanged reads what may follow a wait: "if changed".
func (p *parser) ifChanged(op OpKind) bool {
	t := p.peek()
	if t.text != "if" {
		return false
	}
	p.next()
	if op == opUnload {
		p.fail(t, "%v changes no byte: its wait is for all cases", op)
	}
	p.expect("changed")
	return true
}

// content reads what a poke leaves in a slot.
func (p *parser) content(slot Slot) Content {
	var names []string
	for _, i := range tailCall.Slots[slot].May {
		names = append(names, i.Name)
	}
	return choose[Content](p, names)
}

// slot reads the name of a slot and the sign after it.
func (p *parser) slot() Slot {
	var names []string
	for _, k := range tailCall.Slots {
		names = append(names, k.Name)
	}
	s := choose[Slot](p, names)
	p.expect("=")
	return s
}

// slotByName finds the slot that the grammar calls by a name.
func slotByName(name string) (Slot, bool) {
	i := slices.IndexFunc(tailCall.Slots, func(k SlotKind) bool { return k.Name == name })
	return Slot(max(i, 0)), i >= 0
}
