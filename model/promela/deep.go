package promela

import (
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
)

// Programs that have sites. These are numbered after the sites of the caller's images, program
// by program. Each program takes as many numbers as an image of the caller, although it may
// have fewer sites, so that a site's number gives its key in the same way everywhere.

// firstDeep is the first site of a program.
func (p *promela) firstDeep() int { return p.Shape.Sites * (1 + p.Shape.Copies) }

// programAt is the program that has a site.
func (p *promela) programAt(site int) int { return 1 + (site-p.firstDeep())/p.Shape.Sites }

// allSites lists the sites of all images.
func (p *promela) allSites() []int {
	var out []int
	for i := range p.firstDeep() {
		out = append(out, i)
	}
	for q := 0; p.Shape.Deep && q < p.Shape.Programs; q++ {
		for i := range p.Shape.OwnSites() {
			out = append(out, p.firstDeep()+q*p.Shape.Sites+i)
		}
	}
	return out
}

// executes writes how a thread in a program fetches the first slot of any of its sites.
func (p *promela) executes() {
	for i := range p.Shape.OwnSites() {
		slot := fmt.Sprintf("deep_slot0[OWN(%d)]", i)
		for _, o := range [][2]string{
			{"SEES_INT3(" + slot + ")", fmt.Sprintf("stand(%d, TRAPPED_SLOT0)", i)},
			{"SEES_TORN(" + slot + ")", "assert(no_torn)"},
			{"SEES(" + slot + ", NOP)", fmt.Sprintf("stand(%d, AT_SLOT1)", i)},
			{"SEES(" + slot + ", OUT)", fmt.Sprintf("pass_own(%d)", i)},
		} {
			p.printf("\t:: d_step { AT(IN_PROGRAM) && status[program] != FREED && %s -> %s }\n", o[0], o[1])
		}
	}
}

// givesBack writes how a program is freed together with its sites, and how it is loaded again.
func (p *promela) givesBack() {
	var busy []string
	for m := range p.mutators {
		busy = append(busy, p.of("operation", m)+" == NONE")
	}
	if p.Shape.Copies > 0 {
		busy = append(busy, "fixing == 0")
	}
	var erases strings.Builder
	for i := range p.Shape.OwnSites() {
		for s := range protocol.Slots {
			fmt.Fprintf(&erases, "\terase(deep_%v[(p - 1) * SITES + %d]);\n", protocol.Slot(s), i)
		}
	}
	p.put("unused", holes{"unused": strings.Join(busy, " && ")})
	p.put("erase", nil)
	p.put("give back", holes{"erases": erases.String()})
}

// freed is the statement that frees a program, which is a number or a variable.
func (p *promela) freed(program string) string {
	if p.Shape.Deep {
		return "give_back(" + program + ")"
	}
	return "status[" + program + "] = FREED"
}

// forgetting is a further condition for a retired program to be freed: if it leaves the list
// at that moment, no agent may hold a mutex.
func (p *promela) forgetting() string {
	if p.Shape.Deep && p.unlist == protocol.UnlistFirst {
		return " && UNUSED"
	}
	return ""
}

// arrives writes how a freed program is loaded again, and how the list forgets it if that
// comes later than the free.
func (p *promela) arrives(program int) {
	text := ""
	for i := range p.Shape.OwnSites() {
		text += fmt.Sprintf("fix_up(%d, POINTER(%d)); ", (program-1)*p.Shape.Sites+i, i)
	}
	text += fmt.Sprintf("listed = listed | 1 << %d; status[%d] = LOADED", program-1, program)
	p.printf("\t:: d_step { status[%[1]d] == FREED && UNUSED && !NAMED(%[1]d) -> %[2]s }\n",
		program, text)
	if p.unlist == protocol.UnlistLater {
		p.printf("\t:: d_step { status[%[1]d] == FREED && UNUSED && LISTED(%[1]d) -> "+
			"listed = listed & ~(1 << %[2]d) }\n", program, program-1)
	}
}
