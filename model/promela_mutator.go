package model

import (
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
)

// mutator writes the process that calls operations and carries them out.
func (p *promela) mutator() {
	p.calls()
	p.WriteString(promelaStores)
	p.method()
	p.waits()
	p.WriteString(promelaSmall)
	p.WriteString("\nactive proctype mutator()\n{\n\tdo\n")
	for k := range p.Shape.Keys {
		for op := range protocol.OpKinds {
			p.operation(protocol.OpKind(op), k)
		}
	}
	p.WriteString("\tod\n}\n")
}

// calls writes what a call does: it may ask for anything that a user of the map may.
func (p *promela) calls() {
	var named []string
	for k := range p.Shape.Keys {
		named = append(named, fmt.Sprintf("held[%d] == p", k))
	}
	p.printf("\n#define NAMED(p)    (%s)\n", strings.Join(named, " || "))
	p.WriteString(`#define GIVABLE(p)  ((status[p] == LOADED || status[p] == FREED) && !NAMED(p))

/* An operation is called. From here the threads that are still before their last fetch
 * may run what it gives, and may miss the key if it is a remove. */

inline inform(t, what, k, p)
{
	if
	:: place[t] >= AT_BYPASS && place[t] <= TRAPPED_TARGET ->
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
	p.WriteString(`	if
	:: p != 0 -> status[p] = HELD
	:: else
	fi;
	operation = what;
	key = k;
	given = p;
	old = held[k]
}

/* It returns. What it leaves neither held nor retired stays loaded. */

inline let_go(p)
{
	if
	:: status[p] == HELD && !NAMED(p) -> status[p] = LOADED
	:: else
	fi
}

inline return_()
{
	if
	:: d_step { let_go(given); let_go(old); operation = NONE; key = 0; given = 0; old = 0 }
	fi
}
`)
}

const promelaStores = `
/* Stores into a slot. A new head may be fetched with every tail that is still seen, a new
 * tail with every head, then or while it is partly written. A store of the whole slot is
 * never seen in parts. */

inline write_head(slot, head)
{
	slot.seen = slot.seen |
		((slot.seen >> H_NOP | slot.seen >> H_JUMP | slot.seen >> H_INT3) & 255) << head;
	slot.memory = head + TAIL(slot.memory)
}

#define WITH_TAIL(slot, head, tail) \
	((slot.seen >> head & 255) != 0 -> (1 << tail | 1 << MIXED) << head : 0)

inline write_tail(slot, tail)
{
	if
	:: TAIL(slot.memory) != tail ->
		slot.seen = slot.seen | WITH_TAIL(slot, H_NOP, tail) |
			WITH_TAIL(slot, H_JUMP, tail) | WITH_TAIL(slot, H_INT3, tail);
		slot.memory = HEAD(slot.memory) + tail
	:: else        /* the same bytes again */
	fi
}

inline write_all(slot, tail)
{
	slot.memory = WHOLE(tail);
	slot.seen = slot.seen | 1 << slot.memory
}
`

// method writes a poke: its micro-steps, each a move.
func (p *promela) method() {
	p.WriteString("\n/* Every CPU serialises. */\n\ninline sync()\n{\n")
	for i := range p.Shape.Sites {
		p.printf("\tbypass[%[1]d].seen = 1 << bypass[%[1]d].memory;\n", i)
		p.printf("\ttarget[%[1]d].seen = 1 << target[%[1]d].memory;\n", i)
	}
	p.WriteString(`}

/* A poke of a slot that is to hold the instruction of a tail. It refuses other bytes than
 * the descriptor remembers, and does nothing where there is nothing to do. Otherwise it
 * goes the way of its method.
 *
 * This is no inline, for Spin makes a block of it, and tells the way into a block from
 * the way back to a loop in it. */

#define AS_REMEMBERED(slot)  (slot.memory == WHOLE(slot.remembered))

`)
	var steps []string
	for _, m := range p.Method.Steps {
		steps = append(steps, microTexts[m]...)
	}
	first, end := "", ""
	if len(steps) > 1 {
		first, end = "; poked = name; becomes = tail", "; poked = 0; becomes = 0"
	}
	steps[0] = "AS_REMEMBERED(slot) && slot.remembered != tail -> " + steps[0] + first
	steps[len(steps)-1] += end + "; slot.remembered = tail; last = if_changed"
	lines := []string{
		"#define poke(slot, name, tail, if_changed, if_not)",
		"do",
		":: d_step { !AS_REMEMBERED(slot) -> assert(expected_bytes) }",
		":: d_step { AS_REMEMBERED(slot) && slot.remembered == tail -> last = if_not }; break",
		":: d_step { " + strings.Join(steps, " }; \\\n\t   d_step { ") + " }; break",
	}
	p.WriteString(strings.Join(lines, " \\\n\t") + " \\\n\tod\n")
}

// microTexts are the stores of each micro-step. Bytes writes the first byte, then the
// others, none of it protected.
var microTexts = [...][]string{
	protocol.HeadInt3: {"write_head(slot, H_INT3)"},
	protocol.HeadNew:  {"write_head(slot, HEAD(WHOLE(tail)))"},
	protocol.Tail:     {"write_tail(slot, tail)"},
	protocol.All:      {"write_all(slot, tail)"},
	protocol.Bytes:    {"write_head(slot, HEAD(WHOLE(tail)))", "write_tail(slot, tail)"},
	protocol.Sync:     {"sync()"},
}

const promelaSmall = `
/* The other actions. A lone d_step has an if around it, for Spin refuses a break that leads
 * right into a d_step. */

inline publish(then)
{
	if
	:: d_step { held[key] = given; last = then }
	fi
}

inline free(then)
{
	if
	:: d_step { status[old] = FREED; retired[old] = 0; last = then }
	fi
}
`

// operation writes an operation on a key: its calls, its actions and its return.
func (p *promela) operation(op protocol.OpKind, key int) {
	p.printf("\n\t/* %v of key %d */\n\t:: if\n", op, key)
	when := fmt.Sprintf("held[%d] %s 0", key, [...]string{"==", "!=", "!="}[op])
	call := func(when string, given int) {
		p.printf("\t   :: d_step { %s -> call(%s, %d, %d) }\n", when, strings.ToUpper(op.String()), key, given)
	}
	if op.Gives() {
		for g := range p.Shape.Programs {
			call(fmt.Sprintf("%s && GIVABLE(%d)", when, g+1), g+1)
		}
	} else {
		call(when, 0)
	}
	p.WriteString("\t   fi;\n")
	var sites []int
	for i := key; i < p.Shape.Sites; i += p.Shape.Keys {
		sites = append(sites, i)
	}
	actions := p.Protocol.Unroll(op, len(sites))
	for n, a := range actions {
		p.WriteString("\t   " + promelaAction(a, n, sites, asksLater(actions[n+1:])) + ";\n")
	}
	p.WriteString("\t   return_()\n")
}

// asksLater reports whether a wait among the actions asks which poke changed a byte.
func asksLater(actions []protocol.Action) bool {
	for _, a := range actions {
		if a.Guarded {
			return true
		}
	}
	return false
}

// promelaAction writes the n-th action of an operation. The last argument of each is what
// becomes of last: it is forgotten where nobody will ask for it.
func promelaAction(a protocol.Action, n int, sites []int, asked bool) string {
	then, changed := "0", "0"
	if asked {
		then, changed = "last", fmt.Sprint(n+1)
	}
	switch a.Kind {
	case protocol.Poke:
		tail := "NOP"
		if a.To == protocol.Jump {
			tail = [...]string{protocol.Bypass: "OUT", protocol.Target: "given"}[a.Slot]
		}
		return fmt.Sprintf("poke(%v[%d], %s(%d), %s, %s, %s)", a.Slot, sites[a.Desc],
			strings.ToUpper(a.Slot.String()), sites[a.Desc], tail, changed, then)
	case protocol.Wait:
		if a.Guarded {
			return fmt.Sprintf("wait(last > %d, %s)", a.Since, then)
		}
		return fmt.Sprintf("wait(true, %s)", then)
	default: // publish, retire, free
		return fmt.Sprintf("%v(%s)", a.Kind, then)
	}
}
