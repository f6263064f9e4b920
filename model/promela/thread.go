package promela

import "fmt"

// threads writes the processes of the threads.
func (p *promela) threads() {
	p.enters()
	p.leaves()
	p.put("tail call", holes{"first": p.first()})
	p.put("acts", nil)
	if p.Shape.Deep {
		p.put("inside", nil)
	}
	p.put("skips", holes{"first": p.first()})
	if p.Shape.Indirect {
		p.put("reads", nil)
	}
	p.ats()
	p.put("thread", nil)
	p.begins()
	p.put("ends", nil)
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
	p.put("enters", holes{"operation": p.of("operation", 0), "key": p.of("key", 0)})
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
	p.put("leave sites", nil)
	duties := func() {
		p.WriteString("\tmust_run[_pid] = 0;\n")
		for k := range p.Shape.Keys {
			p.printf("\tmay_run[_pid * KEYS + %d] = 0;\n", k)
		}
	}
	duties()
	p.put("exit", nil)
	forget := func(set string) { p.printf("\t%[1]s = %[1]s & ~(1 << _pid);\n", set) }
	for a := range p.agents {
		forget(p.of("waited", a))
	}
	for i := range p.Shape.Programs {
		forget(fmt.Sprintf("retired[%d]", i+1))
	}
	for kind := range p.Protocol.Readers {
		if p.kinds() {
			forget(fmt.Sprintf("readers_of[%d]", kind))
		}
	}
	if p.counts {
		forget("buffered")
	}
	if p.facts["lasts"] {
		duties()
	}
	if p.comesHome() {
		p.WriteString("\thome = 0;\n")
	}
	p.WriteString("}\n")
}

// kinds reports whether there are several kinds of readers.
func (p *promela) kinds() bool { return p.Protocol.Kinds() > 1 }

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

// ats writes the condition that a thread stands at a place, in an image that was not freed.
func (p *promela) ats() {
	copies := "site >= SITES && (placed >> (site / SITES - 1) & 1) == 0"
	image, gone := "a copy", copies
	if p.Shape.Deep {
		image, gone = "a program", "site >= DEEP && status[OWNER(site)] == FREED"
		if p.Shape.Copies > 0 {
			image, gone = "an image", "(site < DEEP && "+copies+" || \\\n\t"+gone+")"
		}
	}
	p.put("at", holes{"image": image, "gone": gone})
}

// begins writes the moves by which an execution begins.
func (p *promela) begins() {
	from := "IDLE"
	if p.counts {
		from = "ENTERING"
	}
	for kind := range p.Protocol.Kinds() {
		of := ""
		if p.kinds() {
			of = fmt.Sprintf(", %d", kind)
		}
		p.printf("\t:: d_step { AT(%s) -> enter(0%s) }\n", from, of)
		for c := range p.Shape.Copies {
			p.printf("\t:: d_step { AT(%s) && (opened >> %d & 1) != 0 -> enter(%d%s) }\n",
				from, c, (1+c)*p.Shape.Sites, of)
		}
	}
}
