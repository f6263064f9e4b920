package promela

import (
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
)

// snapshots lists the sets of readers that a grace period may begin to wait for, each after
// its condition, which is "" if there is none.
func (p *promela) snapshots(g protocol.Period) [][2]string {
	readers := p.awaited(g)
	out := [][2]string{{"", readers}}
	switch {
	case g != protocol.OwnPeriod:
	case p.Grace.Kind == protocol.GraceSleep, p.Grace.Kind == protocol.GraceQuiet:
		out[0][1] = "0"
	case p.Grace.Kind == protocol.GraceForget && readers != "0":
		for i := range p.Shape.Threads {
			out = append(out, [2]string{
				fmt.Sprintf(" && (%s >> %d & 1) != 0", readers, i), fmt.Sprintf("%s & ~(1 << %d)", readers, i),
			})
		}
	}
	return out
}

// awaited is the set of the readers that a grace period finds inside, of the kinds that it waits
// for.
func (p *promela) awaited(g protocol.Period) string {
	var sets []string
	for kind := range p.Protocol.Kinds() {
		if p.Protocol.Awaits(g, kind) {
			sets = append(sets, fmt.Sprintf("readers_of[%d]", kind))
		}
	}
	switch {
	case len(sets) == p.Protocol.Kinds():
		return "readers"
	case len(sets) == 0:
		return "0"
	case len(sets) == 1:
		return sets[0]
	}
	return "(" + strings.Join(sets, " | ") + ")"
}

// periods lists the subject's own grace periods, and those that steps name.
func (p *promela) periods() []protocol.Period {
	named := [protocol.Periods]bool{protocol.OwnPeriod: true}
	note := func(list []protocol.Action) {
		for _, a := range list {
			named[a.Grace] = true
		}
	}
	for op := range protocol.OpKinds {
		note(p.Protocol.Unroll(protocol.OpKind(op), 1))
	}
	if p.Shape.Copies > 0 {
		note(p.Protocol.UnrollLoad(1))
		note(p.Protocol.UnrollUnload())
	}
	var out []protocol.Period
	for g, is := range named {
		if is {
			out = append(out, protocol.Period(g))
		}
	}
	return out
}

// macro is the name of what carries a step out with a grace period.
func macro(k protocol.StepKind, g protocol.Period) string {
	name := k.String()
	if g != protocol.OwnPeriod {
		name += "_" + strings.ReplaceAll(g.String(), "-", "_")
	}
	return name
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
	for _, g := range p.periods() {
		p.WriteByte('\n')
		p.waitsFor(g)
	}
}

// waitsFor writes how it waits for a grace period of a name.
func (p *promela) waitsFor(g protocol.Period) {
	waited := p.my("waited")
	lines := []string{
		"#define " + macro(protocol.Wait, g) + "(wanted, when, begun, then)",
		":: d_step { when && !(wanted) -> then }; break",
		":: if",
	}
	for _, s := range p.snapshots(g) {
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
	p.put("retires", nil)
	for i, g := range p.periods() {
		if i > 0 {
			p.WriteString("\tod\n")
		}
		p.retiresAfter(g)
	}
	p.put("frees", holes{"freed": p.freed("old@")})
}

// retiresAfter writes how a program is retired with a grace period of a name.
func (p *promela) retiresAfter(g protocol.Period) {
	p.put("retire", holes{"retire": macro(protocol.Retire, g)})
	for _, s := range p.snapshots(g) {
		p.text("\t:: d_step { PUT && status[old@] == HELD && !NAMES" + s[0] + " -> " +
			"status[old@] = RETIRING; retired[old@] = " + s[1] + p.barrier() + "; then }; break \\\n")
	}
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
