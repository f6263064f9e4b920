package promela

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
)

// method writes a poke: its micro-steps, each a move.
func (p *promela) method() {
	p.WriteString("\n/* Every CPU serialises. */\n\ninline sync()\n{\n")
	for _, i := range p.allSites() {
		for s := range protocol.Slots {
			p.printf("\t%[1]s.seen = 1 << %[1]s.memory;\n", p.slot(protocol.Slot(s), i))
		}
	}
	p.put("poke", nil)
	seen, alone := "", ""
	if p.looks {
		seen = "; " + p.my("looked") + " = 0"
	}
	if p.agents > 1 {
		alone = "poked == 0 && "
	}
	asExpected := alone + "when && AS_EXPECTED(slot) && EXPECTED(slot) "
	first, end := "", ""
	if len(p.stores) > 1 {
		first, end = "; poked = name; becomes = tail; begun", "; poked = 0; becomes = 0"
	}
	steps := slices.Clone(p.stores)
	steps[0] = asExpected + "!= tail -> " + steps[0] + first + seen
	steps[len(steps)-1] += end + "; slot.remembered = tail; changed"
	lines := []string{
		"#define poke(slot, name, tail, when, begun, changed, unchanged)",
		":: d_step { " + alone + "when && !AS_EXPECTED(slot) -> assert(expected_bytes) }",
		":: d_step { " + asExpected + "== tail -> unchanged" + seen + " }; break",
		":: d_step { " + strings.Join(steps, " }; \\\n\t   d_step { ") + " }; break",
	}
	p.WriteString(strings.Join(lines, " \\\n\t") + "\n")
}

// storesOf lists the moves of a micro-step. A store of the whole instruction that is seen in
// parts is two: the first byte, then the others, none of it protected.
func storesOf(m protocol.MicroStep, size int) ([]string, error) {
	tail := "tail"
	if m.From == protocol.FromOld {
		tail = "slot.remembered"
	}
	from, to := m.Span(size)
	head, rest := "write_head(slot, HEAD(WHOLE("+tail+")))", "write_tail(slot, "+tail+")"
	switch {
	case m.Sync:
		return []string{"sync()"}, nil
	case m.From == protocol.FromTrap && from == 0 && to == 1:
		return []string{"write_head(slot, H_INT3)"}, nil
	case m.From == protocol.FromTrap:
		// More trap bytes than one are no instruction's head or tail.
	case from == 0 && to == 1:
		return []string{head}, nil
	case from == 1 && to == size && !m.Single:
		return []string{rest}, nil
	case from == 0 && to == size && m.Single:
		return []string{"write_all(slot, " + tail + ")"}, nil
	case from == 0 && to == size:
		return []string{head, rest}, nil
	}
	return nil, fmt.Errorf("no words for the step %v of a poke method", m)
}

// slot names a slot of a site.
func (p *promela) slot(s protocol.Slot, site int) string {
	if site >= p.firstDeep() {
		return fmt.Sprintf("deep_%v[%d]", s, site-p.firstDeep())
	}
	if site >= p.Shape.Sites {
		return fmt.Sprintf("copy_%v[%d]", s, site-p.Shape.Sites)
	}
	return fmt.Sprintf("%v[%d]", s, site)
}
