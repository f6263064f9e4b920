package promela

import (
	"fmt"
	"strings"
)

// threads writes the processes of the threads.
func (p *promela) threads() {
	p.enters()
	p.leaves()
	p.tailCalls()
	p.WriteString(actsText)
	p.skips()
	if p.Shape.Indirect {
		p.WriteString(readsText)
	}
	p.ats()
	p.WriteString("\nactive [THREADS] proctype thread()\n{\n" +
		"\tbyte site;       /* where it stands */\n" +
		"\tbyte program;    /* in which it is */\n")
	if p.comesHome() {
		p.WriteString("\tbyte home;       " +
			"/* behind a tail call: the first site of the image that it came from */\n")
	}
	p.WriteString("\n\tdo\n")
	p.begins()
	p.WriteString(endsText)
	for i := range p.Shape.Sites {
		if p.Shape.Nested {
			p.returnsTo(i)
		}
	}
	for k := range p.Shape.Keys {
		if p.Shape.Indirect {
			p.printf("\t:: d_step { AT(AT_SLOT0) && site == 0 -> read_key(%d) }\n", k)
		}
	}
	p.images()
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
	p.WriteString("\ninline enter(first)\n{\n\tplace[_pid] = AT_SLOT0;\n\tsite = first;\n" +
		"\treaders = readers | 1 << _pid;\n")
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
		p.printf("\tif\n\t:: %s -> must_run[_pid] = must_run[_pid] | 1 << %d\n\t:: else\n\tfi;\n",
			must, k)
	}
	p.WriteString("}\n")
}

// leaves writes how a thread goes on after its last fetch, and how an execution ends.
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
	if p.lasts() {
		duties()
	}
	if p.comesHome() {
		p.WriteString("\thome = 0;\n")
	}
	p.WriteString("}\n")
}

// tailCalls writes what a tail call does. If a subprogram may make it, or if the program has
// sites itself, the execution may come to further sites, and its duties go on.
func (p *promela) tailCalls() {
	leaves := "leave_sites(IN_PROGRAM, 0)"
	switch {
	case p.comesHome():
		leaves = "place[_pid] = IN_PROGRAM;\n" +
			"\t\thome = (site < DEEP -> " + p.first() + " : home);\n\t\tsite = 0"
	case p.Shape.Nested:
		leaves = "place[_pid] = IN_PROGRAM;\n\t\tsite = " + p.first()
	case p.Shape.Deep:
		leaves = "place[_pid] = IN_PROGRAM;\n\t\tsite = 0"
	}
	p.printf(tailCallText, leaves)
}

// lasts reports whether an execution, and with it its duties, may go on after a tail call.
func (p *promela) lasts() bool { return p.Shape.Nested || p.Shape.Deep }

// comesHome reports whether a thread that stood at a site of a program may return to the caller.
func (p *promela) comesHome() bool { return p.Shape.Nested && p.Shape.Deep }

// returnsTo writes how a program returns to a site of the image that it was called from.
func (p *promela) returnsTo(site int) {
	to := fmt.Sprintf("site = site + %d", site)
	if p.comesHome() {
		to = fmt.Sprintf("site = home + %d; home = 0", site)
	}
	p.printf("\t:: d_step { AT(IN_PROGRAM) && status[program] != FREED -> "+
		"place[_pid] = AT_SLOT0; program = 0; %s }\n", to)
}

// first is the first site of the image in which a thread is.
func (p *promela) first() string {
	if p.Shape.Copies == 0 {
		return "0"
	}
	return "site - site % SITES"
}

const tailCallText = `
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

const actsText = `
/* The thread acts as an instruction of the slot1: a nop is state A, a jump the tail call. */

inline act_as_slot1(tail)
{
	if
	:: tail == NOP -> assert(never_a)
	:: else -> tail_call(KEY(site), tail)
	fi
}
`

// skips writes what the first slot does.
func (p *promela) skips() {
	more := "site + 1 < SITES"
	if p.Shape.Copies > 0 {
		more = "(site + 1) % SITES != 0"
	}
	back := ""
	if p.Shape.Deep {
		more, back = "site < DEEP && "+more, "\n\t\t:: site >= DEEP -> inside()"
		p.WriteString(insideText)
	}
	p.printf(`
/* The same for the slot0: a nop takes it into the unwind, the jump over the site. */

inline act_as_slot0(tail)
{
	if
	:: tail == NOP -> place[_pid] = AT_SLOT1
	:: tail != NOP && (must_run[_pid] >> KEY(site) & 1) != 0 -> assert(no_miss)
	:: else ->
		if%s
		:: %s -> site++; place[_pid] = AT_SLOT0
		:: else -> leave_sites(AFTER, %s)
		fi
	fi
}
`, back, more, p.first())
}

const readsText = `
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

// ats writes the condition that a thread stands at a place, in an image that was not freed.
func (p *promela) ats() {
	if !p.comes() {
		p.WriteString("\n#define AT(where)  (place[_pid] == where)\n")
		return
	}
	copies := "site >= SITES && (placed >> (site / SITES - 1) & 1) == 0"
	programs := "site >= DEEP && status[OWNER(site)] == FREED"
	image, gone := "a copy", copies
	switch {
	case p.Shape.Deep && p.Shape.Copies > 0:
		image, gone = "an image", "\n\t(site < DEEP && "+copies+" ||\n\t"+programs+")"
	case p.Shape.Deep:
		image, gone = "a program", programs
	}
	gone = strings.ReplaceAll("\n\t"+strings.TrimPrefix(gone, "\n\t"), "\n", " \\\n")
	p.printf(strayedText, image, gone)
}

const strayedText = `
/* In %s that was freed nobody may be found. Who is in a program has left it. */

#define STRAYED  (place[_pid] != IDLE && place[_pid] != IN_PROGRAM &&%s)
#define AT(where)  (place[_pid] == where && !STRAYED)
`

// begins writes the moves by which an execution begins.
func (p *promela) begins() {
	from := "IDLE"
	if p.counts {
		from = "ENTERING"
		p.WriteString("\t:: d_step { AT(IDLE) -> place[_pid] = ENTERING; " +
			"readers = readers | 1 << _pid }\n")
		drained := "(buffered >> _pid & 1) != 0" + p.coming(" && !STRAYED")
		p.printf("\t:: d_step { %s -> buffered = buffered & ~(1 << _pid) }\n", drained)
	}
	p.printf("\t:: d_step { AT(%s) -> enter(0) }\n", from)
	for c := range p.Shape.Copies {
		p.printf("\t:: d_step { AT(%s) && (opened >> %d & 1) != 0 -> enter(%d) }\n",
			from, c, (1+c)*p.Shape.Sites)
	}
	p.WriteString(p.coming("\t:: d_step { STRAYED -> assert(no_use_after_free) }\n"))
}

const endsText = `	:: d_step { AT(AFTER) -> exit() }
	:: d_step { AT(IN_PROGRAM) && status[program] != FREED -> exit() }
	:: d_step { AT(IN_PROGRAM) && status[program] == FREED -> assert(no_use_after_free) }
`
