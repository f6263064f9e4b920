package promela

import (
	"fmt"
	"strings"

	"tailpoke/patcher/protocol"
)

// loader writes the process that loads and unloads copies.
func (p *promela) loader() {
	p.put("compile", nil)
	if !p.Shape.Deep {
		p.put("erase", nil)
	}
	p.WriteString("\nactive proctype loader()\n{\n\tdo\n")
	for c := range p.Shape.Copies {
		var sites []int
		compiled := ""
		if p.Protocol.Knows() {
			compiled = fmt.Sprintf("; known = known & ~(1 << %d)", c)
		}
		for i := range p.Shape.Sites {
			sites = append(sites, (1+c)*p.Shape.Sites+i)
			compiled += fmt.Sprintf("; compile(%d)", c*p.Shape.Sites+i)
		}
		p.printf("\n\t/* load of copy %[1]d */\n"+
			"\t:: d_step { (placed >> %[1]d & 1) == 0 -> placed = placed | 1 << %[1]d%[2]s };\n",
			c, compiled)
		p.actions(p.Protocol.UnrollLoad(len(sites)), sites, &task{key: c, loads: true})
		p.printf("\t   if\n\t   :: d_step { %s }\n\t   fi\n", p.forgets())
		p.printf("\n\t/* unload of copy %[1]d */\n"+
			"\t:: d_step { (placed >> %[1]d & 1) != 0 -> opened = opened & ~(1 << %[1]d) };\n", c)
		p.actions(p.Protocol.UnrollUnload(), sites, &task{key: c, loads: true})
		p.orElse(c, false, "no_leak", p.forgets())
		p.WriteString("\n")
	}
	p.WriteString("\tod\n}\n")
}

// forgets is how a load or an unload ends: with nothing looked up.
func (p *promela) forgets() string {
	var clear []string
	for i := range p.Shape.Sites {
		clear = append(clear, fmt.Sprintf("looked_up[%d] = 0", i))
	}
	return strings.Join(clear, "; ")
}

// orElse writes a statement that happens to a copy which is placed, or to one which is not; if it
// is not so, that breaks a property.
func (p *promela) orElse(c int, placed bool, property, statement string) {
	so := fmt.Sprintf("(placed >> %d & 1)", c)
	is, isNot := so+" == 0", so+" != 0"
	if placed {
		is, isNot = isNot, is
	}
	p.printf("\t   do\n\t   :: d_step { %s -> assert(%s) }\n", isNot, property)
	p.printf("\t   :: d_step { %s -> %s }; break\n\t   od", is, statement)
}

// loads writes an action that only the loader has. Its task's key is the number of the copy.
func (p *promela) loads(a *action) {
	when, text, c := p.when(a), "", a.key
	switch a.Kind {
	case protocol.Track:
		when, text = p.idleKeys(), fmt.Sprintf("tracked = tracked | 1 << %d", c)
	case protocol.Untrack:
		when, text = p.idleKeys(), fmt.Sprintf("tracked = tracked & ~(1 << %d)", c)
		for i := range p.Shape.Sites {
			text += fmt.Sprintf("; stable = stable & ~(1 << %d)", c*p.Shape.Sites+i)
		}
	case protocol.Read:
		text = fmt.Sprintf("looked_up[%d] = POINTER(%d)", a.site%p.Shape.Sites, p.keyOf(a.site))
	case protocol.Stable:
		text = fmt.Sprintf("stable = stable | 1 << %d", a.site-p.Shape.Sites)
	case protocol.Known:
		text = fmt.Sprintf("known = known | 1 << %d", c)
	case protocol.Unknown:
		text = fmt.Sprintf("known = known & ~(1 << %d)", c)
	case protocol.Open:
		text = fmt.Sprintf("opened = opened | 1 << %d", c)
	case protocol.Free:
		text = fmt.Sprintf("placed = placed & ~(1 << %d)", c)
		for i := range p.Shape.Sites {
			text += fmt.Sprintf("; erase(copy_slot0[%[1]d]); erase(copy_slot1[%[1]d])", c*p.Shape.Sites+i)
		}
		p.orElse(c, true, "no_double_free", text+"; "+p.then(a, false))
		p.WriteString(";\n")
		return
	}
	p.printf("\t   if\n\t   :: d_step { %s -> %s; %s }\n\t   fi;\n", when, text, p.then(a, false))
}

// idleAll is the condition under which no mutator has the mutex of a key.
func (p *promela) idleAll(key int) string {
	var out []string
	for m := range p.mutators {
		out = append(out, p.idle(fmt.Sprint(m), key))
	}
	return strings.Join(out, " && ")
}

// idleKeys is the same for all keys that the sites of a copy look up.
func (p *promela) idleKeys() string {
	if p.Protocol.Mutex == protocol.MutexNone {
		return "true"
	}
	var out []string
	for k := range min(p.Shape.Keys, p.Shape.Sites) {
		if text := p.idleAll(k); len(out) == 0 || out[0] != text {
			out = append(out, text)
		}
	}
	return strings.Join(out, " && ")
}
