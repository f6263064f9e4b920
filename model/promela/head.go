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
	var names strings.Builder
	for kind, r := range p.Protocol.Readers {
		fmt.Fprintf(&names, "   /* %d: %v */", kind, r)
	}
	n := p.Shape
	p.put("head", holes{
		"threads": n.Threads, "sites": n.Sites, "programs": n.Programs, "keys": n.Keys,
		"agents": p.agents, "copies": n.Copies, "first": p.firstDeep(), "all": 1<<n.Programs - 1,
		"kinds": p.Protocol.Kinds(), "names": names.String(),
	})
}
