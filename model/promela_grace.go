package model

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// snapshots lists which readers a grace period may begin to wait for: each a condition,
// "" for none, and the set.
func (p *promela) snapshots() [][2]string {
	switch p.Grace.Kind {
	case protocol.GraceSleep:
		return [][2]string{{"", "0"}}
	case protocol.GraceForget:
		out := [][2]string{{"", "readers"}}
		for i := range p.Shape.Threads {
			out = append(out, [2]string{
				fmt.Sprintf(" && (readers >> %d & 1) != 0", i), fmt.Sprintf("readers & ~(1 << %d)", i),
			})
		}
		return out
	default:
		return [][2]string{{"", "readers"}}
	}
}

// waits writes how a grace period begins and, for those that the operation waits for, how
// it ends.
func (p *promela) waits() {
	p.printf(`
/* A wait for a grace period, if it is wanted. The grace period waits for
 * %s. */

inline wait(wanted, then)
{
	if
	:: d_step { !(wanted) -> last = then }
	:: if
`, graceWords[p.Grace.Kind])
	for _, s := range p.snapshots() {
		p.printf("\t   :: d_step { (wanted)%s -> waited = %s }\n", s[0], s[1])
	}
	p.WriteString(`	   fi;
	   d_step { waited == 0 -> last = then }
	fi
}

/* The replaced program's own grace period begins. A program that is retired or freed
 * already stays what it is. */

inline retire(then)
{
	if
	:: d_step { status[old] != HELD -> last = then }
`)
	for _, s := range p.snapshots() {
		p.printf("\t:: d_step { status[old] == HELD%s -> "+
			"status[old] = RETIRING; retired[old] = %s; last = then }\n", s[0], s[1])
	}
	p.WriteString("\tfi\n}\n")
}

var graceWords = [...]string{
	protocol.GraceEpoch:  "every reader that is inside when it begins",
	protocol.GraceForget: "the readers that are inside when it begins, but may forget one of them",
	protocol.GraceSleep:  "nobody, and so may end at any time",
}

// graces writes the process that frees retired programs.
func (p *promela) graces() {
	p.WriteString("\n/* A retired program is freed when nobody is left to wait for. */\n\n" +
		"active proctype rcu()\n{\n\tdo\n")
	for i := range p.Shape.Programs {
		p.printf("\t:: d_step { status[%[1]d] == RETIRING && retired[%[1]d] == 0 -> status[%[1]d] = FREED }\n", i+1)
	}
	p.WriteString("\tod\n}\n")
}
