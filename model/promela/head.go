package promela

import "strings"

// title writes the subject in words.
func (p *promela) title() {
	p.WriteString("/* Every execution of a subject of live code patching, " +
		"for the model checker Spin.\n *\n")
	for _, text := range []string{p.Protocol.String(), p.Method.String(), "grace " + p.Grace.Name} {
		for line := range strings.Lines(text) {
			p.printf(" * %s\n", strings.ReplaceAll(strings.TrimRight(line, "\n"), "*/", "* /"))
		}
	}
	p.WriteString(introText)
}

// head writes what the processes share: constants and variables.
func (p *promela) head() {
	p.printf("#define THREADS  %d\n#define SITES    %d   /* site i looks up key i %% KEYS */\n",
		p.Shape.Threads, p.Shape.Sites)
	p.printf("#define PROGRAMS %d   /* they count from 1; 0 is none */\n#define KEYS     %d\n",
		p.Shape.Programs, p.Shape.Keys)
	if p.agents > 1 {
		p.printf("#define AGENTS   %d   "+
			"/* mutators, then the loader; their processes follow those of threads */\n"+
			"#define ME       (_pid - THREADS)\n", p.agents)
	}
	if p.Shape.Copies > 0 {
		p.printf("#define COPIES   %d   /* of the sites: those of copy c count from (1 + c) * SITES */\n",
			p.Shape.Copies)
	}
	if p.Shape.Deep {
		p.printf(deepSitesText, p.firstDeep())
	}
	if p.comes() {
		p.WriteString("#define KEY(site)  ((site) % SITES % KEYS)\n")
	} else {
		p.WriteString("#define KEY(site)  ((site) % KEYS)\n")
	}
	p.text(slotsText)
	p.text(stateText)
	if p.apart {
		p.text("#define POINTER(k)  pointer[k]\n" +
			"byte pointer[KEYS];   /* what the map's pointer names: not all operations exchange it */\n")
	} else {
		p.text("#define POINTER(k)  held[k]   /* what the map's pointer names */\n")
	}
	p.text(operationText)
	p.more()
	p.text(threadsText)
	if p.counts {
		p.text(epochsText)
	}
	p.text(propertiesText)
}

// more writes variables that only some shapes have.
func (p *promela) more() {
	if p.looks {
		p.text("byte looked$;          /* 1 + the instruction that a slot is taken to hold, else 0 */\n")
	}
	if p.Shape.Copies > 0 {
		p.text(copiesText)
	}
	if p.Shape.Deep {
		p.printf(deepStateText, 1<<p.Shape.Programs-1)
	}
}

const introText = ` *
 * A d_step is one move, and a process rests only between two of them. A move that breaks
 * a property fails the assertion that names it and leaves the state as it is.
 *
 *   spin -a -o1 -o2 -o3 FILE && gcc -O2 -DSAFETY -DNOREDUCE -DBFS pan.c && ./a.out
 *
 * stores every state that there is, and finds a shortest violation. With -c0 it goes on
 * and names each property that can be broken.
 */

`

const slotsText = `
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
`

const stateText = `
/* Programs, and the map. */

#define LOADED   0    /* its memory is there, no key holds it */
#define HELD     1    /* a key holds it, or an operation has it in hand */
#define RETIRING 2    /* its grace period is running */
#define FREED    3    /* its memory was given back; it may be loaded again */

byte status[PROGRAMS + 1];
byte held[KEYS];      /* the program that the key holds */
`

const operationText = `
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
`

const threadsText = `
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
`

const epochsText = `
/* A reader reads the epoch, and stores it; the store waits in a buffer of its CPU. Who waits
 * for the reader looks for what it stored. */

#define ENTERING       7   /* the epoch is read and not yet stored */

byte buffered;                     /* the threads whose store is still in the buffer */

#define UNSEEN(t)  (place[t] == ENTERING || (buffered >> t & 1) != 0)
`

const copiesText = `
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
`

const propertiesText = `
/* Properties. All of these are false for ever: a move that breaks a property asserts it. */

bit never_a, no_torn, no_miss, fresh, no_use_after_free, expected_bytes;
bit no_double_free, no_early_free, no_leak;
`
