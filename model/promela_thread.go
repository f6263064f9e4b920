package model

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// threads writes the processes of the threads.
func (p *promela) threads() {
	p.enters()
	p.leaves()
	p.WriteString(promelaActs)
	p.WriteString(promelaThread)
	p.WriteString("\n\t/* The bypass. */\n")
	p.fetches(protocol.Bypass, "NOP", "OUT")
	p.WriteString("\n\t/* The target. */\n")
	tails := []string{"NOP"}
	for i := range p.Shape.Programs {
		tails = append(tails, fmt.Sprint(i+1))
	}
	p.fetches(protocol.Target, tails...)
	p.WriteString("\tod\n}\n")
}

// enters writes how an execution begins, with its duties for each key.
func (p *promela) enters() {
	p.WriteString(`
/* An execution begins. It may run what its key holds and what an operation in progress
 * gives or takes away; it must not miss a key that holds a program all along. */

#define BUSY(k)  (operation != NONE && key == k)

inline enter()
{
	place[_pid] = AT_BYPASS;
	readers = readers | 1 << _pid;
`)
	for k := range p.Shape.Keys {
		p.printf("\tmay_run[_pid * KEYS + %[1]d] = (1 << held[%[1]d] | "+
			"(BUSY(%[1]d) -> 1 << given | 1 << old : 0)) & ~1;\n", k)
		p.printf("\tif\n\t:: held[%[1]d] != 0 && (!BUSY(%[1]d) || operation == UPDATE) -> "+
			"must_run[_pid] = must_run[_pid] | 1 << %[1]d\n\t:: else\n\tfi;\n", k)
	}
	p.WriteString("}\n")
}

// leaves writes how a thread goes behind its last fetch, and how an execution ends.
func (p *promela) leaves() {
	p.WriteString(`
/* The last fetch is done: duties end. */

inline leave_sites(to)
{
	place[_pid] = to;
	site = 0;
	must_run[_pid] = 0;
`)
	for k := range p.Shape.Keys {
		p.printf("\tmay_run[_pid * KEYS + %d] = 0;\n", k)
	}
	p.WriteString(`}

/* The execution ends, and with it the reader section: grace periods wait for it no more. */

inline exit()
{
	place[_pid] = IDLE;
	program = 0;
	readers = readers & ~(1 << _pid);
	waited = waited & ~(1 << _pid);
`)
	for i := range p.Shape.Programs {
		p.printf("\tretired[%[1]d] = retired[%[1]d] & ~(1 << _pid);\n", i+1)
	}
	p.WriteString("}\n")
}

const promelaActs = `
/* The thread acts as an instruction of the bypass: a nop takes it into the unwind, the
 * jump over the site. */

inline act_as_bypass(tail)
{
	if
	:: tail == NOP -> place[_pid] = AT_TARGET
	:: tail != NOP && (must_run[_pid] >> (site % KEYS) & 1) != 0 -> assert(no_miss)
	:: else ->
		if
		:: site + 1 < SITES -> site++; place[_pid] = AT_BYPASS
		:: else -> leave_sites(AFTER)
		fi
	fi
}

/* The same for the target: a nop is state A, a jump is the tail call. */

inline act_as_target(tail)
{
	if
	:: tail == NOP -> assert(never_a)
	:: tail != NOP && (may_run[_pid * KEYS + site % KEYS] >> tail & 1) == 0 -> assert(fresh)
	:: tail != NOP && (may_run[_pid * KEYS + site % KEYS] >> tail & 1) != 0 && status[tail] == FREED ->
		assert(no_use_after_free)
	:: else ->
		program = tail;
		leave_sites(IN_PROGRAM)
	fi
}
`

const promelaThread = `
active [THREADS] proctype thread()
{
	byte site;       /* where it stands */
	byte program;    /* in which it is */

	do
	:: d_step { place[_pid] == IDLE -> enter() }
	:: d_step { place[_pid] == AFTER -> exit() }
	:: d_step { place[_pid] == IN_PROGRAM && status[program] != FREED -> exit() }
	:: d_step { place[_pid] == IN_PROGRAM && status[program] == FREED -> assert(no_use_after_free) }
`

// fetches writes what a thread does at a slot that may hold the instructions of tails.
func (p *promela) fetches(s protocol.Slot, tails ...string) {
	at, trapped, name := "AT_BYPASS", "TRAPPED_BYPASS", "BYPASS(site)"
	if s == protocol.Target {
		at, trapped, name = "AT_TARGET", "TRAPPED_TARGET", "TARGET(site)"
	}
	move := func(place, when, format string, args ...any) {
		p.printf("\t:: d_step { place[_pid] == %s && %s -> %s }\n", place, when, fmt.Sprintf(format, args...))
	}
	move(at, fmt.Sprintf("SEES_INT3(%v[site])", s), "place[_pid] = %s", trapped)
	move(at, fmt.Sprintf("SEES_TORN(%v[site])", s), "assert(no_torn)")
	for _, t := range tails {
		move(at, fmt.Sprintf("SEES(%v[site], %s)", s, t), "act_as_%v(%s)", s, t)
	}
	p.printf(promelaHandler, p.Method.Trap)
	switch p.Method.Trap {
	case protocol.TrapNew:
		move(trapped, "poked == "+name, "act_as_%v(becomes)", s)
	case protocol.TrapOld:
		move(trapped, "poked == "+name, "act_as_%v(%[1]v[site].remembered)", s)
	default:
		move(trapped, "poked == "+name, "place[_pid] = %s", at)
	}
	move(trapped, fmt.Sprintf("poked != %s && LEFT_INT3(%v[site])", name, s), "assert(no_torn)")
	move(trapped, fmt.Sprintf("poked != %s && !LEFT_INT3(%v[site])", name, s), "place[_pid] = %s", at)
}

const promelaHandler = `	/* Its handler, while this slot is poked: trap=%v. Later the thread runs the byte again,
	   unless the int3 was left behind: that one is nobody's. */
`
