package promela

import (
	"fmt"
	"strings"
)

// title writes the subject in words.
func (p *promela) title() {
	p.WriteString("/* Every execution of a subject of live code patching, " +
		"for the model checker Spin.\n *\n")
	for _, text := range []string{p.Protocol.String(), p.Method.String(), "grace " + p.Grace.Name} {
		for line := range strings.Lines(text) {
			p.printf(" * %s\n", strings.ReplaceAll(strings.TrimRight(line, "\n"), "*/", "* /"))
		}
	}
	p.put("intro", nil)
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
		p.put("deep sites", holes{"first": p.firstDeep()})
	}
	if p.comes() {
		p.WriteString("#define KEY(site)  ((site) % SITES % KEYS)\n")
	} else {
		p.WriteString("#define KEY(site)  ((site) % KEYS)\n")
	}
	p.put("slots", nil)
	p.put("state", nil)
	if p.apart {
		p.text("#define POINTER(k)  pointer[k]\n" +
			"byte pointer[KEYS];   /* what the map's pointer names: not all operations exchange it */\n")
	} else {
		p.text("#define POINTER(k)  held[k]   /* what the map's pointer names */\n")
	}
	p.put("operation", nil)
	p.more()
	p.put("threads", nil)
	if p.kinds() {
		names := ""
		for kind, r := range p.Protocol.Readers {
			names += fmt.Sprintf("   /* %d: %v */", kind, r)
		}
		p.put("kinds", holes{"kinds": p.Protocol.Kinds(), "names": names})
	}
	if p.counts {
		p.put("epochs", nil)
	}
	p.put("properties", nil)
}

// more writes variables that only some shapes have.
func (p *promela) more() {
	if p.looks {
		p.text("byte looked$;          /* 1 + the instruction that a slot is taken to hold, else 0 */\n")
	}
	if p.Shape.Copies > 0 {
		p.put("copies", nil)
		if p.Protocol.Knows() {
			p.put("known", nil)
		}
	}
	if p.Shape.Deep {
		p.put("deep state", holes{"all": 1<<p.Shape.Programs - 1})
	}
}
