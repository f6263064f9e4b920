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
	p.returns()
	p.WriteString(storesText)
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
	bound := "place[t] >= AT_SLOT0 && place[t] <= TRAPPED_SLOT1"
	if p.lasts() {
		bound = "place[t] >= AT_SLOT0 && place[t] <= IN_PROGRAM"
	}
	givable := "(status[p] == LOADED || status[p] == FREED)"
	if p.Shape.Deep {
		givable = "status[p] == LOADED" // one that was freed is loaded again first
	}
	p.WriteString("#define GIVABLE(p)  (" + givable + ` && !NAMED(p))

/* An operation is called. From here the threads that may still fetch a slot may run what
 * it gives, and may miss the key if it is a remove. */

inline inform(t, what, k, p)
{
	if
	:: ` + bound + ` ->
		may_run[t * KEYS + k] = (may_run[t * KEYS + k] | 1 << p) & ~1;
		if
		:: what == REMOVE -> must_run[t] = must_run[t] & ~(1 << k)
		:: else
		fi
	:: else
	fi
}

inline call(what, k, p)
{
`)
	for i := range p.Shape.Threads {
		p.printf("\tinform(%d, what, k, p);\n", i)
	}
	p.text(`	if
	:: p != 0 -> status[p] = HELD
	:: else
	fi;
	operation@ = what;
	key@ = k;
	given@ = p;
	old@ = held[k]
}
`)
}

// returns writes what a return does.
func (p *promela) returns() {
	unused := "status[p] == HELD && !NAMED(p)"
	if p.mutators > 1 {
		unused += " && given[1 - ME] != p && old[1 - ME] != p"
	}
	p.WriteString(`
/* It returns. What it leaves neither held nor retired stays loaded; what it replaced has leaked, if
 * it did not let go of that. */

inline let_go(p)
{
	if
	:: ` + unused + ` -> status[p] = LOADED
	:: else
	fi
}
`)
	p.text(`
/* This and what follows are no inlines, for Spin makes a block of one, and tells the way
 * into a block from the way back to a loop in it. A lone d_step has an if around it, for
 * Spin refuses a break that leads right into a d_step. */

#define return_(leaks) \
	do \
	:: d_step { old@ != 0 && leaks -> assert(no_leak) } \
	:: d_step { !(old@ != 0 && leaks) -> let_go(given@); let_go(old@); \
		operation@ = NONE; key@ = 0; given@ = 0; old@ = 0 }; break \
	od
`)
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
