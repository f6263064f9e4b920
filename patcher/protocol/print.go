package protocol

import (
	"fmt"
	"strings"
)

// ifChanged says that a wait may be skipped.
const ifChanged = " if changed"

// String returns the step's text: "wait", "target=jump", "each { ... }".
func (s Step) String() string {
	switch s.Kind {
	case Poke:
		return s.Slot.String() + "=" + s.To.String()
	case Each:
		if len(s.Body) == 0 {
			return "each { }"
		}
		return "each { " + stepsText(s.Body) + " }"
	}
	text := s.Kind.String()
	if s.Grace != OwnPeriod {
		text += " " + s.Grace.String()
	}
	if s.IfChanged {
		text += ifChanged
	}
	return text
}

func stepsText(steps []Step) string {
	parts := make([]string, len(steps))
	for i, s := range steps {
		parts[i] = s.String()
	}
	return strings.Join(parts, "; ")
}

// String returns the protocol's text, which [ParseProtocol] reads back.
func (p Protocol) String() string {
	var b strings.Builder
	b.WriteString("protocol " + p.Name + "\n")
	for _, r := range p.Readers {
		b.WriteString(lineText(readerWord, r.String()))
	}
	for op := range opUnload + 1 {
		if steps := *p.list(op); op < OpKinds || steps != nil {
			b.WriteString(lineText(op.String(), stepsText(steps)))
		}
	}
	if p.Mutex != MutexMap {
		b.WriteString(lineText(mutexWord, p.Mutex.String()))
	}
	return b.String()
}

// lineText writes a line of a protocol.
func lineText(word, text string) string {
	return strings.TrimRight(fmt.Sprintf("  %-7s  %s", word, text), " ") + "\n"
}
