package promela

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
)

// An action is a [protocol.Action] in its place in a list.
type action struct {
	protocol.Action
	*task
	index int
	site  int    // the descriptor's site
	asked bool   // a later wait asks which poke changed a byte
	again bool   // an earlier action lets go of what the operation replaces
	ends  bool   // an iteration of each ends with it
	skip  string // label after its iteration, if the operation may skip it; else ""
	// forget says that no wait after that label asks which poke changed a byte.
	forget bool
}

// actions writes the actions of an operation or of the loader.
func (p *promela) actions(list []protocol.Action, sites []int, by *task) {
	skip := ""
	for i, a := range list {
		w := action{
			Action: a, task: by, index: i, asked: asksLater(list[i+1:]),
			again: slices.ContainsFunc(list[:i], letsGo),
			ends:  i+1 == len(list) || list[i+1].First || list[i+1].Desc == protocol.NoDesc,
		}
		if a.Desc != protocol.NoDesc {
			w.site = sites[a.Desc]
		}
		if a.First && !by.loads && w.site >= p.Shape.Sites {
			p.labels++
			skip = fmt.Sprintf("passed_%d", p.labels)
			next := i + 1
			for next < len(list) && !list[next].First && list[next].Desc != protocol.NoDesc {
				next++
			}
			w.skip, w.forget = skip, !asksLater(list[next:])
		}
		p.action(&w)
		if w.ends && skip != "" {
			p.printf("%s:\n", skip)
			skip = ""
		}
	}
}

// asksLater reports whether a wait among the actions asks which poke changed a byte.
func asksLater(actions []protocol.Action) bool {
	return slices.ContainsFunc(actions, func(a protocol.Action) bool { return a.IfChanged })
}

// action writes an action as one statement. Its options are the moves that begin the action.
func (p *promela) action(a *action) {
	switch a.Kind {
	case protocol.Poke:
		p.poke(a)
	case protocol.Wait:
		wanted := "true"
		if a.IfChanged {
			wanted = fmt.Sprintf("%s > %d", p.my("last"), a.Since)
		}
		p.printf("\t   do%s\n", p.pass(a))
		p.printf("\t   %s(%s, %s, %s, %s)\n\t   od;\n", macro(a.Kind, a.Grace), wanted, p.when(a), p.begun(a), p.then(a, false))
	case protocol.Publish:
		p.publish(a)
	case protocol.Retire, protocol.Free:
		switch {
		case a.loads:
			p.loads(a)
		case a.again:
			p.printf("\t   put_again(%s);\n", p.then(a, false))
		default:
			p.printf("\t   %s(%s);\n", macro(a.Kind, a.Grace), p.then(a, false))
		}
	default:
		p.loads(a)
	}
}

// letsGo reports whether an action lets go of what the operation replaces.
func letsGo(a protocol.Action) bool { return a.Kind == protocol.Retire || a.Kind == protocol.Free }

// when is the condition of an action's first move. The first action of an iteration of each
// needs a stable descriptor or, in a load, the mutex.
func (p *promela) when(a *action) string {
	switch {
	case a.skip != "":
		return p.stable(a.site)
	case a.loads && a.First && p.Protocol.Mutex != protocol.MutexNone:
		return p.idleAll(p.keyOf(a.site))
	default:
		return "true"
	}
}

// pass is the option to skip a descriptor that is not stable.
func (p *promela) pass(a *action) string {
	if a.skip == "" {
		return ""
	}
	last := "skip"
	if a.forget {
		last = p.my("last") + " = 0"
	}
	return fmt.Sprintf("\n\t   :: d_step { !%s -> %s }; goto %s", p.stable(a.site), last, a.skip)
}

// stable is the condition for operations to poke a site of a copy or of a program.
func (p *promela) stable(site int) string {
	if site >= p.firstDeep() {
		return fmt.Sprintf("LISTED(%d)", p.programAt(site))
	}
	return fmt.Sprintf("STABLE(%d)", site)
}

// then is what happens when an action ends: last is cleared unless a later wait asks for it,
// and a load releases the mutex at the end of an iteration.
func (p *promela) then(a *action, changed bool) string {
	text := "skip"
	switch {
	case !a.asked:
		text = p.my("last") + " = 0"
	case changed:
		text = fmt.Sprintf("%s = %d", p.my("last"), a.index+1)
	}
	if a.fixes(p) {
		if a.ends {
			return text + "; fixing = 0"
		}
		return text + "; " + p.begun(a)
	}
	return text
}

// begun is what happens when an action begins but does not end: a load takes the mutex.
func (p *promela) begun(a *action) string {
	if a.fixes(p) {
		return fmt.Sprintf("fixing = %d", 1+p.keyOf(a.site))
	}
	return "skip"
}

// fixes reports whether the action belongs to a load and needs the mutex.
func (a *action) fixes(p *promela) bool {
	return a.loads && a.Desc != protocol.NoDesc && p.Protocol.Mutex != protocol.MutexNone
}

// poke writes a poke.
func (p *promela) poke(a *action) {
	p.printf("\t   do%s\n", p.pass(a))
	tail := p.my("given")
	switch {
	case a.To == protocol.Nop:
		tail = "NOP"
	case a.Slot == slot0:
		tail = "OUT"
	case a.loads:
		tail = fmt.Sprintf("looked_up[%d]", a.site%p.Shape.Sites)
	}
	when := p.when(a)
	if a.loads {
		read := fmt.Sprintf("looked_up[%d]", a.site%p.Shape.Sites)
		p.printf("\t   :: d_step { %s && %s == 0 -> %s }; break\n",
			when, read, p.then(a, false))
		when += " && " + read + " != 0"
	}
	slot := p.slot(a.Slot, a.site)
	if copy := a.site/p.Shape.Sites - 1; p.Protocol.Knows() && !a.loads && copy >= 0 && copy < p.Shape.Copies {
		p.printf("\t   :: d_step { %s && (known >> %d & 1) == 0 -> %s.remembered = %s; %s }; break\n",
			when, copy, slot, tail, p.then(a, false))
		when += fmt.Sprintf(" && (known >> %d & 1) != 0", copy)
	}
	if p.looks {
		p.printf("\t   :: d_step { %s -> %s = 1 + %s.remembered };\n\t   do\n",
			when, p.my("looked"), slot)
		when = "true"
	}
	p.printf("\t   poke(%s, %s(%d), %s, %s, %s, %s, %s)\n",
		slot, upper(a.Slot), a.site, tail, when, p.begun(a), p.then(a, true), p.then(a, false))
	if p.looks {
		p.WriteString("\t   od; break\n")
	}
	p.WriteString("\t   od;\n")
}

// publish writes the exchange of the map's pointer. The operation replaces the program that
// it finds there. Without a mutex another mutator may have changed that since the call: an
// operation that has done nothing else yet then turns from an install into an update, or back.
func (p *promela) publish(a *action) {
	set := fmt.Sprintf("held[%d] = %s", a.key, p.my("given"))
	if p.apart {
		set += fmt.Sprintf("; pointer[%d] = %s", a.key, p.my("given"))
	}
	if p.races {
		set = fmt.Sprintf("%s = held[%d]; %s", p.my("old"), a.key, set)
	}
	if !p.races || a.index > 0 || !a.op.Gives() {
		p.printf("\t   if\n\t   :: d_step { %s; %s }\n\t   fi;\n", set, p.then(a, false))
		return
	}
	p.WriteString("\t   if\n")
	for _, turns := range []protocol.OpKind{protocol.Install, protocol.Update} {
		compare := [...]string{protocol.Install: "==", protocol.Update: "!="}[turns]
		text := fmt.Sprintf("held[%d] %s 0 -> %s; %s", a.key, compare, set, p.then(a, false))
		steps := p.Protocol.Ops[turns]
		if turns == a.op || len(steps) == 0 || steps[0].Kind != protocol.Publish {
			p.printf("\t   :: d_step { %s }\n", text)
			continue
		}
		p.printf("\t   :: d_step { %s; %s = %s }; goto %s\n", text, p.my("operation"),
			strings.ToUpper(turns.String()), published(turns, a.key))
	}
	p.printf("\t   fi;\n%s:\n", published(a.op, a.key))
}

// published is the label after the exchange with which an operation on a key begins.
func published(op protocol.OpKind, key int) string {
	return fmt.Sprintf("%v_%d_published", op, key)
}
