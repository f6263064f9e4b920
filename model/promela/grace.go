package promela

import (
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
)

// snapshots lists the sets of readers that a grace period may begin to wait for, each after
// its condition, which is "" if there is none.
func (p *promela) snapshots() [][2]string {
	out := [][2]string{{"", "readers"}}
	switch p.Grace.Kind {
	case protocol.GraceSleep, protocol.GraceQuiet:
		out[0][1] = "0"
	case protocol.GraceForget:
		for i := range p.Shape.Threads {
			out = append(out, [2]string{
				fmt.Sprintf(" && (readers >> %d & 1) != 0", i), fmt.Sprintf("readers & ~(1 << %d)", i),
			})
		}
	}
	return out
}

// barrier is what else a grace period does when it begins.
func (p *promela) barrier() string {
	if p.Grace.Kind == protocol.GraceCounter {
		return "; buffered = 0"
	}
	return ""
}

// over is the condition for a grace period that waits for a set to end.
func (p *promela) over(set string) string {
	if p.Grace.Kind == protocol.GraceQuiet {
		return "readers == 0"
	}
	return set + " == 0"
}

// scans are the moves that drop a thread from the set of a grace period, which found that it
// need not wait for it.
func (p *promela) scans(when, set string) []string {
	var out []string
	for i := range p.Shape.Threads {
		if p.counts {
			out = append(out, fmt.Sprintf(":: d_step { %[1]s(%[2]s >> %[3]d & 1) != 0 && "+
				"UNSEEN(%[3]d) -> %[2]s = %[2]s & ~(1 << %[3]d) }", when, set, i))
		}
	}
	return out
}

// waits writes how an operation waits for a grace period.
func (p *promela) waits() {
	p.put("waits", holes{"readers": graceWords[p.Grace.Kind]})
	waited := p.my("waited")
	lines := []string{
		"#define wait(wanted, when, begun, then)",
		":: d_step { when && !(wanted) -> then }; break",
		":: if",
	}
	for _, s := range p.snapshots() {
		lines = append(lines, fmt.Sprintf("   :: d_step { when && (wanted)%s -> %s = %s%s; begun }",
			s[0], waited, s[1], p.barrier()))
	}
	lines = append(lines, "   fi;")
	end := p.over(waited)
	if p.Grace.Kind == protocol.GraceSelf {
		end = "false"
	}
	if scans := p.scans("", waited); len(scans) > 0 {
		lines = append(lines, "   do", "   "+strings.Join(scans, " \\\n\t   "),
			"   :: d_step { "+end+" -> then }; break", "   od; break")
	} else {
		lines = append(lines, "   d_step { "+end+" -> then }; break")
	}
	p.WriteString(strings.Join(lines, " \\\n\t") + "\n")
}

// retires writes how a program is retired, and how it is freed at once.
func (p *promela) retires() {
	put := p.my("old") + " != 0"
	if p.Shape.Same || p.mutators > 1 {
		put += " && " + p.my("given") + " != " + p.my("old")
	}
	if p.mutators > 1 {
		put += " && given[1 - ME] != " + p.my("old")
	}
	p.put("retires", holes{"put": put})
	for _, s := range p.snapshots() {
		p.text("\t:: d_step { PUT && status[old@] == HELD && !NAMES" + s[0] + " -> " +
			"status[old@] = RETIRING; retired[old@] = " + s[1] + p.barrier() + "; then }; break \\\n")
	}
	p.put("frees", holes{"freed": p.freed("old@")})
}

var graceWords = [...]string{
	protocol.GraceEpoch:     "every reader that is inside when it begins",
	protocol.GraceForget:    "the readers that are inside when it begins, but may forget one of them",
	protocol.GraceSleep:     "nobody, and so may end at any time",
	protocol.GraceSelf:      "the waiter too, and so never ends",
	protocol.GraceQuiet:     "a moment in which nobody is inside",
	protocol.GraceCounter:   "every reader whose epoch it finds, having emptied the store buffers",
	protocol.GraceNoBarrier: "every reader whose epoch it finds, and does not empty the store buffers",
}

// graces writes the process that frees retired programs.
func (p *promela) graces() {
	p.WriteString("\n/* A retired program is freed when nobody is left to wait for. */\n\n" +
		"active proctype rcu()\n{\n\tdo\n")
	for i := range p.Shape.Programs {
		retiring, set := fmt.Sprintf("status[%d] == RETIRING", i+1), fmt.Sprintf("retired[%d]", i+1)
		for _, s := range p.scans(retiring+" && ", set) {
			p.printf("\t%s\n", s)
		}
		p.printf("\t:: d_step { %s && %s%s -> %s }\n",
			retiring, p.over(set), p.forgetting(), p.freed(fmt.Sprint(i+1)))
		if p.Shape.Deep {
			p.arrives(i + 1)
		}
	}
	p.WriteString("\tod\n}\n")
}
