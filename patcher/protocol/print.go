package protocol

import "strings"

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
	default:
		return s.Kind.String()
	}
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
	for k, steps := range p.Ops {
		line := "  " + OpKind(k).String()
		if len(steps) > 0 {
			line += strings.Repeat(" ", len("install  ")-len(OpKind(k).String())) + stepsText(steps)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// String returns the method's text, which [ParseMethod] reads back.
func (m Method) String() string {
	parts := make([]string, 0, len(m.Steps)+1)
	if m.Trap != TrapNew {
		parts = append(parts, "trap="+m.Trap.String())
	}
	for _, s := range m.Steps {
		parts = append(parts, s.String())
	}
	return "method " + m.Name + "\n  " + strings.Join(parts, "; ") + "\n"
}
