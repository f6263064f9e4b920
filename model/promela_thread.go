package model

import (
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
)

// threads writes the processes of the threads.
func (p *promela) threads() {
	p.enters()
	p.leaves()
	p.tailCalls()
	p.WriteString(promelaActs)
	p.skips()
	if p.Shape.Indirect {
		p.WriteString(promelaReads)
	}
	p.ats()
	p.WriteString("\nactive [THREADS] proctype thread()\n{\n" +
		"\tbyte site;       /* where it stands */\n" +
		"\tbyte program;    /* in which it is */\n\n\tdo\n")
	p.begins()
	p.WriteString(promelaEnds)
	for i := range p.Shape.Sites {
		if p.Shape.Nested {
			p.printf("\t:: d_step { AT(IN_PROGRAM) && status[program] != FREED -> "+
				"place[_pid] = AT_BYPASS; program = 0; site = site + %d }\n", i)
		}
	}
	for k := range p.Shape.Keys {
		if p.Shape.Indirect {
			p.printf("\t:: d_step { AT(AT_BYPASS) && site == 0 -> read_key(%d) }\n", k)
		}
	}
	p.slots("", "site")
	if p.Shape.Copies > 0 {
		p.slots("copy_", "site - SITES")
	}
	p.WriteString("\tod\n}\n")
}

// enters writes how an execution begins, with its duties for each key.
func (p *promela) enters() {
	p.WriteString(`
/* An execution begins. It may run what its key holds and what an operation in progress
 * gives or takes away; it must not miss a key that holds a program all along. */

`)
	if p.mutators == 1 {
		p.printf("#define BUSY(k)  (%s != NONE && %s == k)\n", p.of("operation", 0), p.of("key", 0))
	} else {
		p.WriteString("#define BUSY(m, k)  (operation[m] != NONE && key[m] == k)\n")
	}
	p.WriteString("\ninline enter(first)\n{\n\tplace[_pid] = AT_BYPASS;\n\tsite = first;\n\treaders = readers | 1 << _pid;\n")
	if p.counts {
		p.WriteString("\tbuffered = buffered | 1 << _pid;\n")
	}
	for k := range p.Shape.Keys {
		may, must := fmt.Sprintf("1 << held[%d]", k), fmt.Sprintf("held[%d] != 0", k)
		for m := range p.mutators {
			busy := fmt.Sprintf("BUSY(%d)", k)
			if p.mutators > 1 {
				busy = fmt.Sprintf("BUSY(%d, %d)", m, k)
			}
			may += fmt.Sprintf(" | (%s -> 1 << %s | 1 << %s : 0)", busy, p.of("given", m), p.of("old", m))
			must += fmt.Sprintf(" && (!%s || %s == UPDATE)", busy, p.of("operation", m))
		}
		p.printf("\tmay_run[_pid * KEYS + %d] = (%s) & ~1;\n", k, may)
		p.printf("\tif\n\t:: %s -> must_run[_pid] = must_run[_pid] | 1 << %d\n\t:: else\n\tfi;\n", must, k)
	}
	p.WriteString("}\n")
}

// leaves writes how a thread goes behind its last fetch, and how an execution ends.
func (p *promela) leaves() {
	p.WriteString(`
/* The last fetch is done: duties end. */

inline leave_sites(to, at)
{
	place[_pid] = to;
	site = at;
`)
	duties := func() {
		p.WriteString("\tmust_run[_pid] = 0;\n")
		for k := range p.Shape.Keys {
			p.printf("\tmay_run[_pid * KEYS + %d] = 0;\n", k)
		}
	}
	duties()
	p.WriteString(`}

/* The execution ends, and with it the reader section: grace periods wait for it no more. */

inline exit()
{
	place[_pid] = IDLE;
	program = 0;
	site = 0;
	readers = readers & ~(1 << _pid);
`)
	forget := func(set string) { p.printf("\t%[1]s = %[1]s & ~(1 << _pid);\n", set) }
	for a := range p.agents {
		forget(p.of("waited", a))
	}
	for i := range p.Shape.Programs {
		forget(fmt.Sprintf("retired[%d]", i+1))
	}
	if p.counts {
		forget("buffered")
	}
	if p.Shape.Nested {
		duties()
	}
	p.WriteString("}\n")
}

// tailCalls writes what a tail call does. Where it may be one of a subprogram, the
// execution may come back to the sites of its image, and its duties go on.
func (p *promela) tailCalls() {
	leaves := "leave_sites(IN_PROGRAM, 0)"
	if p.Shape.Nested {
		leaves = "place[_pid] = IN_PROGRAM;\n\t\tsite = " + p.first()
	}
	p.printf(promelaTailCall, leaves)
}

// first is the first site of the image in which a thread is.
func (p *promela) first() string {
	if p.Shape.Copies == 0 {
		return "0"
	}
	return "site - site % SITES"
}

const promelaTailCall = `
/* A tail call by the key k. */

inline tail_call(k, p)
{
	if
	:: (may_run[_pid * KEYS + k] >> p & 1) == 0 -> assert(fresh)
	:: (may_run[_pid * KEYS + k] >> p & 1) != 0 && status[p] == FREED -> assert(no_use_after_free)
	:: else ->
		program = p;
		%s
	fi
}
`

const promelaActs = `
/* The thread acts as an instruction of the target: a nop is state A, a jump the tail call. */

inline act_as_target(tail)
{
	if
	:: tail == NOP -> assert(never_a)
	:: else -> tail_call(KEY(site), tail)
	fi
}
`

// skips writes what the bypass does.
func (p *promela) skips() {
	more := "site + 1 < SITES"
	if p.Shape.Copies > 0 {
		more = "(site + 1) % SITES != 0"
	}
	p.printf(`
/* The same for the bypass: a nop takes it into the unwind, the jump over the site. */

inline act_as_bypass(tail)
{
	if
	:: tail == NOP -> place[_pid] = AT_TARGET
	:: tail != NOP && (must_run[_pid] >> KEY(site) & 1) != 0 -> assert(no_miss)
	:: else ->
		if
		:: %s -> site++; place[_pid] = AT_BYPASS
		:: else -> leave_sites(AFTER, %s)
		fi
	fi
}
`, more, p.first())
}

const promelaReads = `
/* An indirect site of the key k, before the direct ones: it reads the map's pointer. */

inline read_key(k)
{
	if
	:: POINTER(k) != 0 -> tail_call(k, POINTER(k))
	:: POINTER(k) == 0 && (must_run[_pid] >> k & 1) != 0 -> assert(no_miss)
	:: else -> leave_sites(AFTER, 0)
	fi
}
`

// ats writes where a thread stands, or, if that is a copy that was freed, does not.
func (p *promela) ats() {
	if p.Shape.Copies == 0 {
		p.WriteString("\n#define AT(where)  (place[_pid] == where)\n")
		return
	}
	p.WriteString(`
/* In a copy that was freed nobody may be found. Who is in a program has left it. */

#define STRAYED  (place[_pid] != IDLE && place[_pid] != IN_PROGRAM && \
	site >= SITES && (placed >> (site / SITES - 1) & 1) == 0)
#define AT(where)  (place[_pid] == where && !STRAYED)
`)
}

// begins writes the moves by which an execution begins.
func (p *promela) begins() {
	from := "IDLE"
	if p.counts {
		from = "ENTERING"
		p.WriteString("\t:: d_step { AT(IDLE) -> place[_pid] = ENTERING; readers = readers | 1 << _pid }\n")
		drained := "(buffered >> _pid & 1) != 0" + p.copied(" && !STRAYED")
		p.printf("\t:: d_step { %s -> buffered = buffered & ~(1 << _pid) }\n", drained)
	}
	p.printf("\t:: d_step { AT(%s) -> enter(0) }\n", from)
	for c := range p.Shape.Copies {
		p.printf("\t:: d_step { AT(%s) && (opened >> %d & 1) != 0 -> enter(%d) }\n", from, c, (1+c)*p.Shape.Sites)
	}
	p.WriteString(p.copied("\t:: d_step { STRAYED -> assert(no_use_after_free) }\n"))
}

const promelaEnds = `	:: d_step { AT(AFTER) -> exit() }
	:: d_step { AT(IN_PROGRAM) && status[program] != FREED -> exit() }
	:: d_step { AT(IN_PROGRAM) && status[program] == FREED -> assert(no_use_after_free) }
`

// slots writes what a thread does at the slots of the image, or of the copies: those
// whose names begin so, of which it stands at the index at.
func (p *promela) slots(prefix, at string) {
	title := strings.TrimSuffix(prefix, "_")
	if title != "" {
		title = " of a " + title
	}
	p.printf("\n\t/* The bypass%s. */\n", title)
	p.fetches(protocol.Bypass, prefix, at, "NOP", "OUT")
	p.printf("\n\t/* The target%s. */\n", title)
	tails := []string{"NOP"}
	for i := range p.Shape.Programs {
		tails = append(tails, fmt.Sprint(i+1))
	}
	p.fetches(protocol.Target, prefix, at, tails...)
}

// fetches writes what a thread does at a slot that may hold the instructions of tails.
func (p *promela) fetches(s protocol.Slot, prefix, index string, tails ...string) {
	at, trapped, name := "AT_BYPASS", "TRAPPED_BYPASS", "BYPASS(site)"
	if s == protocol.Target {
		at, trapped, name = "AT_TARGET", "TRAPPED_TARGET", "TARGET(site)"
	}
	here := p.copied(" && site < SITES")
	if prefix != "" {
		here = " && site >= SITES"
	}
	slot := fmt.Sprintf("%s%v[%s]", prefix, s, index)
	move := func(place, when, format string, args ...any) {
		p.printf("\t:: d_step { AT(%s)%s && %s -> %s }\n", place, here, when, fmt.Sprintf(format, args...))
	}
	move(at, fmt.Sprintf("SEES_INT3(%s)", slot), "place[_pid] = %s", trapped)
	move(at, fmt.Sprintf("SEES_TORN(%s)", slot), "assert(no_torn)")
	for _, t := range tails {
		move(at, fmt.Sprintf("SEES(%s, %s)", slot, t), "act_as_%v(%s)", s, t)
	}
	p.printf(promelaHandler, p.Method.Trap)
	switch p.Method.Trap {
	case protocol.TrapNew:
		move(trapped, "poked == "+name, "act_as_%v(becomes)", s)
	case protocol.TrapOld:
		move(trapped, "poked == "+name, "act_as_%v(%s.remembered)", s, slot)
	default:
		move(trapped, "poked == "+name, "place[_pid] = %s", at)
	}
	move(trapped, fmt.Sprintf("poked != %s && LEFT_INT3(%s)", name, slot), "assert(no_torn)")
	move(trapped, fmt.Sprintf("poked != %s && !LEFT_INT3(%s)", name, slot), "place[_pid] = %s", at)
}

const promelaHandler = `	/* Its handler, while this slot is poked: trap=%v. Later the thread runs the byte again,
	   unless the int3 was left behind: that one is nobody's. */
`
