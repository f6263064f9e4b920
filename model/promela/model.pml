{{/* What a model says. Package promela chooses the parts, puts them in order, and fills in what stands
in braces. name@ is the variable of the agent at hand, and name$ declares those of all. What stands
between if and fi is there where that is so of the subject: [promela.facts] has the words. */}}

{{define "intro"}} *
 * A d_step is one move, and a process rests only between two of them. A move that breaks
 * a property fails the assertion that names it and leaves the state as it is.
 *
 *   spin -a -o1 -o2 -o3 FILE && gcc -O2 -DSAFETY -DNOREDUCE -DBFS pan.c && ./a.out
 *
 * stores every state that there is, and finds a shortest violation. With -c0 it goes on
 * and names each property that can be broken.
 */

{{end}}

{{define "head"}}#define THREADS  {{.threads}}
#define SITES    {{.sites}}   /* site i looks up key i % KEYS */
#define PROGRAMS {{.programs}}   /* they count from 1; 0 is none */
#define KEYS     {{.keys}}
{{if several}}#define AGENTS   {{.agents}}   /* mutators, then the loader; their processes follow those of threads */
#define ME       (_pid - THREADS)
{{fi}}{{if copies}}#define COPIES   {{.copies}}   /* of the sites: those of copy c count from (1 + c) * SITES */
{{fi}}{{if deep}}#define DEEP     {{.first}}   /* the first site of a program: those of p count from DEEP + (p - 1) * SITES */
#define OWNER(site)  (1 + ((site) - DEEP) / SITES)
{{fi}}{{if comes}}#define KEY(site)  ((site) % SITES % KEYS)
{{fi}}{{if not comes}}#define KEY(site)  ((site) % KEYS)
{{fi}}
/* A slot holds five bytes: the head, which is the first, and the tail, the other four. A
 * tail names a whole instruction, so that head + tail is a number for the five bytes. */

#define NOP    0      /* tail of a nop */
#define OUT    1      /* in a slot0: of the jump to the end of the site */
                      /* in a slot1: 1 to PROGRAMS, of the jump to that program */
#define MIXED  7      /* partly written: of no instruction */

#define H_NOP  0      /* head of a nop */
#define H_JUMP 8      /* of a jump */
#define H_INT3 16     /* of either, while it is poked */

#define HEAD(bytes)  ((bytes) & 24)
#define TAIL(bytes)  ((bytes) & 7)
#define WHOLE(tail)  ((tail) == NOP -> H_NOP + NOP : H_JUMP + (tail))

/* Sets of bytes. */
#define ALL_INT3     (255 << H_INT3)
#define ALL_WHOLE    (1 << (H_NOP + NOP) | 126 << H_JUMP)
#define SEES(slot, tail)  ((slot.seen >> WHOLE(tail) & 1) != 0)
#define SEES_INT3(slot)   ((slot.seen & ALL_INT3) != 0)
#define SEES_TORN(slot)   ((slot.seen & ~(ALL_INT3 | ALL_WHOLE)) != 0)
#define LEFT_INT3(slot)   (HEAD(slot.memory) == H_INT3)

/* Until a CPU serialises, a fetch may return anything that some CPU has seen since the
 * last sync: the set seen. What memory holds is in it. The descriptor remembers the last
 * whole instruction. At first all sites are empty: the slot0 jumps, the slot1 does not. */

typedef slot0_slot { int seen = 1 << (H_JUMP + OUT); byte memory = H_JUMP + OUT; byte remembered = OUT }
typedef slot1_slot { int seen = 1 << (H_NOP + NOP);  byte memory = H_NOP + NOP;  byte remembered = NOP }

slot0_slot slot0[SITES];
slot1_slot slot1[SITES];

#define SLOT0(site)  (1 + 2 * (site))   /* names of slots; 0 is none */
#define SLOT1(site)  (2 + 2 * (site))

byte poked;      /* the slot between the first and the last micro-step of a poke */
byte becomes;    /* the instruction that the poke leaves */

/* Programs, and the map. */

#define LOADED   0    /* its memory is there, no key holds it */
#define HELD     1    /* a key holds it, or an operation has it in hand */
#define RETIRING 2    /* its grace period is running */
#define FREED    3    /* its memory was given back; it may be loaded again */

byte status[PROGRAMS + 1];
byte held[KEYS];      /* the program that the key holds */
{{if apart}}#define POINTER(k)  pointer[k]
byte pointer[KEYS];   /* what the map's pointer names: not all operations exchange it */
{{fi}}{{if not apart}}#define POINTER(k)  held[k]   /* what the map's pointer names */
{{fi}}
/* The operation in progress, for whoever enters meanwhile. */

#define NONE     0
#define INSTALL  1
#define UPDATE   2
#define REMOVE   3

byte operation$;
byte key$;
byte given$;           /* the program that it gives to the key */
byte old$;             /* the one that it takes away */
byte last$;            /* 1 + index of the action that last changed a byte, while a
                         wait may still ask for it, else 0 */
{{if looks}}byte looked$;          /* 1 + the instruction that a slot is taken to hold, else 0 */
{{fi}}{{if copies}}
/* Copies of the image. Each set has bit c for copy c. */

byte placed;          /* the image is there */
byte tracked;         /* its descriptors are on the list */
byte opened;          /* executions may begin in it */
byte stable;          /* bit i: operations poke site SITES + i */
byte looked_up[SITES];  /* what the load in progress has read for each site */
byte fixing;          /* 1 + the key whose mutex the load has */

#define STABLE(site)  ((tracked >> ((site) / SITES - 1) & stable >> ((site) - SITES) & 1) != 0)

/* Memory that was given back holds no instruction, and nothing that a poke expects. */

typedef copy_slot { int seen = 1 << (H_INT3 + MIXED); byte memory = H_INT3 + MIXED; byte remembered = MIXED }

copy_slot copy_slot0[SITES * COPIES];
copy_slot copy_slot1[SITES * COPIES];
{{fi}}{{if knows}}
byte known;           /* the kernel knows the image's text: it takes pokes of it */
{{fi}}{{if deep}}
/* Programs have sites. Operations poke them while the list has the program. */

byte listed = {{.all}};     /* bit p - 1 for program p */

#define LISTED(p)  ((listed >> ((p) - 1) & 1) != 0)

slot0_slot deep_slot0[SITES * PROGRAMS];
slot1_slot deep_slot1[SITES * PROGRAMS];
{{fi}}
/* Threads. A set of threads has bit i for thread i. */

#define IDLE           0
#define AT_SLOT0      1   /* before the fetch of the slot0 */
#define AT_SLOT1      2   /* in the unwind: the slot0 is passed */
#define TRAPPED_SLOT0 3   /* the handler has not run yet */
#define TRAPPED_SLOT1 4
#define IN_PROGRAM     5
#define AFTER          6   /* past the last site, in the caller */

byte place[THREADS];
byte readers;                    /* the threads that are not idle */
byte waited$;                     /* the threads that the wait in progress waits for */
byte retired[PROGRAMS + 1];      /* the threads that the retirement of a program waits for */

/* Duties, while a thread may still fetch a slot; behind that all are 0. */

byte must_run[THREADS];          /* bit k: it must not fall through a site of key k */
byte may_run[THREADS * KEYS];    /* bit p: it may run program p through the key */
{{if kinds}}
/* Each execution is of one kind of readers. A grace period waits for those of the kinds that list
 * it, and what the text names keeps its promise. */

#define KINDS    {{.kinds}}{{.names}}

byte readers_of[KINDS];          /* the threads that are not idle, by the kind of their execution */
{{fi}}{{if counts}}
/* A reader reads the epoch, and stores it; the store waits in a buffer of its CPU. Who waits
 * for the reader looks for what it stored. */

#define ENTERING       7   /* the epoch is read and not yet stored */

byte buffered;                     /* the threads whose store is still in the buffer */

#define UNSEEN(t)  (place[t] == ENTERING || (buffered >> t & 1) != 0)
{{fi}}
/* Properties. All of these are false for ever: a move that breaks a property asserts it. */

bit never_a, no_torn, no_miss, fresh, no_use_after_free, expected_bytes;
bit no_double_free, no_early_free, no_leak;
{{end}}

{{define "inside"}}
/* A thread goes on in the program at whose site it stands: at which site, nothing says. */

inline inside()
{
	place[_pid] = IN_PROGRAM;
	program = OWNER(site);
	site = 0
}

/* From there it comes to any site of the program. */

#define OWN(i)  ((program - 1) * SITES + i)

inline stand(i, at)
{
	place[_pid] = at;
	site = DEEP + OWN(i);
	program = 0
}

/* Or passes one, and is where it was. */

inline pass_own(i)
{
	if
	:: (must_run[_pid] >> i & 1) != 0 -> assert(no_miss)
	:: else
	fi
}
{{end}}

{{define "unused"}}
/* Nobody has a mutex. */

#define UNUSED  ({{.unused}})

/* The sites of a program go with it. */
{{end}}

{{define "give back"}}
/* Spin wants a statement behind the last inline of a d_step. */

inline give_back(p)
{
{{.erases}}{{if unlisted}}	listed = listed & ~(1 << (p - 1));
{{fi}}	status[p] = FREED
}

/* The sites of a program that is loaded, fixed up to what the map's pointer names. */

inline settle(slot, tail)
{
	slot.memory = WHOLE(tail);
	slot.seen = 1 << slot.memory;
	slot.remembered = tail
}

inline fix_up(i, p)
{
	if
	:: p == 0 -> settle(deep_slot0[i], OUT)
	:: else -> settle(deep_slot0[i], NOP)
	fi;
	settle(deep_slot1[i], p)
}
{{end}}

{{define "compile"}}
/* The sites of a copy as a compiler leaves them, and as nobody may find them. */

inline compile(site)
{
	copy_slot0[site].seen = 1 << (H_JUMP + OUT);
	copy_slot0[site].memory = H_JUMP + OUT;
	copy_slot0[site].remembered = OUT;
	copy_slot1[site].seen = 1 << (H_NOP + NOP);
	copy_slot1[site].memory = H_NOP + NOP;
	copy_slot1[site].remembered = NOP
}
{{end}}

{{define "erase"}}
inline erase(slot)
{
	slot.seen = 1 << (H_INT3 + MIXED);
	slot.memory = H_INT3 + MIXED;
	slot.remembered = MIXED
}
{{end}}

{{define "stores"}}
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
	((slot.seen >> head & 255 & ~(1 << tail)) != 0 -> (1 << tail | 1 << MIXED) << head : 0)

inline write_tail(slot, tail)
{
	slot.seen = slot.seen | WITH_TAIL(slot, H_NOP, tail) |
		WITH_TAIL(slot, H_JUMP, tail) | WITH_TAIL(slot, H_INT3, tail);
	slot.memory = HEAD(slot.memory) + tail
}

inline write_all(slot, tail)
{
	slot.memory = WHOLE(tail);
	slot.seen = slot.seen | 1 << slot.memory
}
{{end}}

{{define "tail call"}}
/* A tail call by the key k. */

inline tail_call(k, p)
{
	if
	:: (may_run[_pid * KEYS + k] >> p & 1) == 0 -> assert(fresh)
	:: (may_run[_pid * KEYS + k] >> p & 1) != 0 && status[p] == FREED -> assert(no_use_after_free)
	:: else ->
		program = p;
		{{if not lasts}}leave_sites(IN_PROGRAM, 0){{fi}}{{if lasts}}place[_pid] = IN_PROGRAM;
		{{if home}}home = (site < DEEP -> {{.first}} : home);
		{{fi}}site = {{if deep}}0{{fi}}{{if not deep}}{{.first}}{{fi}}{{fi}}
	fi
}
{{end}}

{{define "acts"}}
/* The thread acts as an instruction of the slot1: a nop is state A, a jump the tail call. */

inline act_as_slot1(tail)
{
	if
	:: tail == NOP -> assert(never_a)
	:: else -> tail_call(KEY(site), tail)
	fi
}
{{end}}

{{define "reads"}}
/* An indirect site of the key k, before the direct ones: it reads the map's pointer. */

inline read_key(k)
{
	if
	:: POINTER(k) != 0 -> tail_call(k, POINTER(k))
	:: POINTER(k) == 0 && (must_run[_pid] >> k & 1) != 0 -> assert(no_miss)
	:: else -> leave_sites(AFTER, 0)
	fi
}
{{end}}

{{define "thread"}}
active [THREADS] proctype thread()
{
	byte site;       /* where it stands */
	byte program;    /* in which it is */
{{if home}}	byte home;       /* behind a tail call: the first site of the image that it came from */
{{fi}}
	do
{{if counts}}	:: d_step { AT(IDLE) -> place[_pid] = ENTERING; readers = readers | 1 << _pid }
	:: d_step { (buffered >> _pid & 1) != 0{{if comes}} && !STRAYED{{fi}} -> buffered = buffered & ~(1 << _pid) }
{{fi}}{{end}}

{{define "ends"}}{{if comes}}	:: d_step { STRAYED -> assert(no_use_after_free) }
{{fi}}	:: d_step { AT(AFTER) -> exit() }
	:: d_step { AT(IN_PROGRAM) && status[program] != FREED -> exit() }
	:: d_step { AT(IN_PROGRAM) && status[program] == FREED -> assert(no_use_after_free) }
{{end}}

{{define "at"}}
{{if not comes}}#define AT(where)  (place[_pid] == where)
{{fi}}{{if comes}}/* In {{.image}} that was freed nobody may be found. Who is in a program has left it. */

#define STRAYED  (place[_pid] != IDLE && place[_pid] != IN_PROGRAM && \
	{{.gone}})
#define AT(where)  (place[_pid] == where && !STRAYED)
{{fi}}{{end}}

{{define "skips"}}
/* The same for the slot0: a nop takes it into the unwind, the jump over the site. */

inline act_as_slot0(tail)
{
	if
	:: tail == NOP -> place[_pid] = AT_SLOT1
	:: tail != NOP && (must_run[_pid] >> KEY(site) & 1) != 0 -> assert(no_miss)
	:: else ->
		if{{if deep}}
		:: site >= DEEP -> inside(){{fi}}
		:: {{if deep}}site < DEEP && {{fi}}{{if copies}}(site + 1) % SITES != 0{{fi}}{{if not copies}}site + 1 < SITES{{fi}} -> site++; place[_pid] = AT_SLOT0
		:: else -> leave_sites(AFTER, {{.first}})
		fi
	fi
}
{{end}}

{{define "enters"}}
/* An execution begins. It may run what its key holds and what an operation in progress
 * gives or takes away; it must not miss a key that holds a program all along. */

{{if mutators}}#define BUSY(m, k)  (operation[m] != NONE && key[m] == k)
{{fi}}{{if not mutators}}#define BUSY(k)  ({{.operation}} != NONE && {{.key}} == k)
{{fi}}
inline enter(first{{if kinds}}, kind{{fi}})
{
	place[_pid] = AT_SLOT0;
	site = first;
	readers = readers | 1 << _pid;
{{if kinds}}	readers_of[kind] = readers_of[kind] | 1 << _pid;
{{fi}}{{if counts}}	buffered = buffered | 1 << _pid;
{{fi}}{{end}}

{{define "leave sites"}}
/* The last fetch is done: duties end. */

inline leave_sites(to, at)
{
	place[_pid] = to;
	site = at;
{{end}}

{{define "exit"}}}

/* The execution ends, and with it the reader section: grace periods wait for it no more. */

inline exit()
{
	place[_pid] = IDLE;
	program = 0;
	site = 0;
	readers = readers & ~(1 << _pid);
{{end}}

{{define "handler"}}	/* Its handler, while this slot is poked: trap={{.trap}}. Later the thread runs the byte again,
	   unless the int3 was left behind: that one is nobody's. */
{{end}}

{{define "calls"}}#define GIVABLE(p)  ({{if deep}}status[p] == LOADED{{fi}}{{if not deep}}(status[p] == LOADED || status[p] == FREED){{fi}} && !NAMED(p))

/* An operation is called. From here the threads that may still fetch a slot may run what
 * it gives, and may miss the key if it is a remove. */

inline inform(t, what, k, p)
{
	if
	:: place[t] >= AT_SLOT0 && place[t] <= {{if lasts}}IN_PROGRAM{{fi}}{{if not lasts}}TRAPPED_SLOT1{{fi}} ->
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
{{end}}

{{define "called"}}	if
	:: p != 0 -> status[p] = HELD
	:: else
	fi;
	operation@ = what;
	key@ = k;
	given@ = p;
	old@ = held[k]
}
{{end}}

{{define "returns"}}
/* It returns. What it leaves neither held nor retired stays loaded; what it replaced has leaked, if
 * it did not let go of that. */

inline let_go(p)
{
	if
	:: status[p] == HELD && !NAMED(p){{if mutators}} && given[1 - ME] != p && old[1 - ME] != p{{fi}} -> status[p] = LOADED
	:: else
	fi
}

/* This and what follows are no inlines, for Spin makes a block of one, and tells the way
 * into a block from the way back to a loop in it. A lone d_step has an if around it, for
 * Spin refuses a break that leads right into a d_step. */

#define return_(leaks) \
	do \
	:: d_step { old@ != 0 && leaks -> assert(no_leak) } \
	:: d_step { !(old@ != 0 && leaks) -> let_go(given@); let_go(old@); \
		operation@ = NONE; key@ = 0; given@ = 0; old@ = 0 }; break \
	od
{{end}}

{{define "retires"}}
/* The reference to the replaced program is put: it is the last one, unless a key was given the
 * program anew. */

#define PUT    (old@ != 0{{if same}} && given@ != old@{{fi}}{{if mutators}} && given[1 - ME] != old@{{fi}})
#define NAMES  (POINTER(key@) == old@)

#define may_put(then) \
	:: d_step { PUT && status[old@] != HELD -> assert(no_double_free) } \
	:: d_step { PUT && status[old@] == HELD && NAMES -> assert(no_early_free) } \
	:: d_step { !PUT -> then }; break \

#define put_again(then) \
	do \
	:: d_step { old@ != 0 -> assert(no_double_free) } \
	:: d_step { old@ == 0 -> then }; break \
	od

/* The program's own grace period begins. */
{{end}}

{{define "retire"}}
#define {{.retire}}(then) \
	do \
	may_put(then) \
{{end}}

{{define "frees"}}	od

/* Or it is freed at once, whoever is inside. */

#define free(then) \
	do \
	may_put(then) \
	:: d_step { PUT && status[old@] == HELD && !NAMES -> {{.freed}}; then }; break \
	od
{{end}}

{{define "waits"}}
/* A wait for a grace period, if it is wanted, as options of a loop. The grace period waits for
 * {{.readers}}. */
{{end}}

{{define "poke"}}{{if counts}}	buffered = 0;     /* it interrupts the CPUs, as a barrier does */
{{fi}}}

/* A poke of a slot that is to hold the instruction of a tail, as options of a loop. It
 * refuses other bytes than the descriptor remembers, and does nothing where there is
 * nothing to do. Otherwise it goes the way of its method. Single pokes exclude each other. */

#define EXPECTED(slot)     {{if looks}}(looked@ - 1){{fi}}{{if not looks}}slot.remembered{{fi}}
#define AS_EXPECTED(slot)  (slot.memory == WHOLE(EXPECTED(slot)))

{{end}}
