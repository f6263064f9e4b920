package promela

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
)

// writeAgents writes the processes that carry out operations, loads and unloads.
func (p *promela) writeAgents() {
	p.calls()
	p.put("returns", nil)
	p.put("stores", nil)
	p.method()
	p.waits()
	if p.Shape.Deep {
		p.givesBack()
	}
	p.retires()
	if p.mutators > 1 {
		p.printf("\nactive [%d] proctype mutator()\n{\n\tdo\n", p.mutators)
	} else {
		p.WriteString("\nactive proctype mutator()\n{\n\tdo\n")
	}
	for k := range p.Shape.Keys {
		for op := range protocol.OpKinds {
			p.operation(protocol.OpKind(op), k)
		}
	}
	p.WriteString("\tod\n}\n")
	if p.Shape.Copies > 0 {
		p.loader()
	}
}

// calls writes what a call does. A mutator may call whatever a user of the map may.
func (p *promela) calls() {
	var named []string
	for k := range p.Shape.Keys {
		named = append(named, fmt.Sprintf("held[%d] == p", k))
	}
	p.printf("\n#define NAMED(p)    (%s)\n", strings.Join(named, " || "))
	p.put("calls", nil)
	for i := range p.Shape.Threads {
		p.printf("\tinform(%d, what, k, p);\n", i)
	}
	p.put("called", nil)
}

// operation writes an operation on a key: its calls, its actions and its return.
func (p *promela) operation(op protocol.OpKind, key int) {
	p.printf("\n\t/* %v of key %d */\n\t:: if\n", op, key)
	when := fmt.Sprintf("held[%d] %s 0", key, [...]string{"==", "!=", "!="}[op])
	if free := p.unlocked(key); free != "" {
		when = free + " && " + when
	}
	call := func(when, given string) {
		text := fmt.Sprintf("%s -> call(%s, %d, %s)", when, strings.ToUpper(op.String()), key, given)
		if p.apart && !publishes(p.Protocol.Ops[op]) {
			text += fmt.Sprintf("; held[%d] = %s", key, p.my("given"))
		}
		p.printf("\t   :: d_step { %s }\n", text)
	}
	switch {
	case !op.Gives():
		call(when, "0")
	default:
		for g := range p.Shape.Programs {
			call(fmt.Sprintf("%s && GIVABLE(%d)", when, g+1), fmt.Sprint(g+1))
		}
	}
	if op == protocol.Update && p.Shape.Same {
		call(fmt.Sprintf("%s && status[held[%d]] == HELD", when, key), fmt.Sprintf("held[%d]", key))
	}
	p.WriteString("\t   fi;\n")
	list := p.Protocol.Unroll(op, len(p.sitesOf(key)))
	p.actions(list, p.sitesOf(key), &task{op: op, key: key})
	leaks := p.my("given") + " == " + p.my("old") + " || !NAMES"
	if slices.ContainsFunc(list, letsGo) {
		leaks = "false"
	}
	p.printf("\t   return_((%s))\n", leaks)
}

// sitesOf lists the sites that look up a key, those of copies and of programs too.
func (p *promela) sitesOf(key int) []int {
	var out []int
	for _, i := range p.allSites() {
		if p.keyOf(i) == key {
			out = append(out, i)
		}
	}
	return out
}

func (p *promela) keyOf(site int) int { return site % p.Shape.Sites % p.Shape.Keys }

// unlocked is the condition for a mutator to take the mutex of a key; "" if no other agent
// can hold it.
func (p *promela) unlocked(key int) string {
	if p.Protocol.Mutex == protocol.MutexNone {
		return ""
	}
	var out []string
	if p.mutators > 1 {
		out = append(out, p.idle("1 - ME", key))
	}
	if n := p.Shape.Maps; p.Shape.Copies > 0 {
		free := "fixing == 0"
		switch {
		case p.Protocol.Mutex == protocol.MutexKey:
			free = fmt.Sprintf("fixing != %d", 1+key)
		case n > 1:
			free = fmt.Sprintf("(fixing == 0 || (fixing - 1) %% %d != %d)", n, key%n)
		}
		out = append(out, free)
	}
	return strings.Join(out, " && ")
}

// idle is the condition that a mutator does not hold the mutex of a key.
func (p *promela) idle(mutator string, key int) string {
	switch n := p.Shape.Maps; {
	case p.Protocol.Mutex != protocol.MutexMap:
		return fmt.Sprintf("(operation[%[1]s] == NONE || key[%[1]s] != %[2]d)", mutator, key)
	case n > 1:
		return fmt.Sprintf("(operation[%[1]s] == NONE || key[%[1]s] %% %[2]d != %[3]d)",
			mutator, n, key%n)
	default:
		return fmt.Sprintf("operation[%s] == NONE", mutator)
	}
}

// A task is an operation on a key, or the load or unload of a copy.
type task struct {
	op    protocol.OpKind
	key   int
	loads bool
}
