package model

import (
	"fmt"
	"io"
	"strings"

	"tailpoke/patcher/protocol"
)

// WritePromela writes the subject as a model in Promela, the language of the model
// checker Spin, with so many threads. The text is made from the definition alone: it
// says a second time, to somebody else's checker, what the package document says. None
// of the transition relation of this package goes into it.
//
// Every d_step is one move, and a move that breaks a property leads nowhere: it makes an
// assertion fail that names the property, and leaves the state as it is. With Spin's
// reductions off (spin -a -o1 -o2 -o3; gcc -DNOREDUCE), it stores the states that [Check]
// finds with [Options.NoSymmetry], one for one, and counts the same transitions and one
// more, which is the way into the initial state. A trail that it finds breadth first
// (-DBFS) is as long as the [Witness]. Whether operations end is not asked.
//
// The error is [ErrUnsupported], for a subject that Check does not support or a shape
// with a field that the text cannot say; or it is what w answers.
func WritePromela(w io.Writer, s protocol.Subject, threads int) error {
	if _, err := newSystem(s, threads, false); err != nil {
		return err
	}
	n := s.Shape
	said := protocol.Shape{
		Threads: n.Threads, Sites: n.Sites, Programs: n.Programs, Keys: n.Keys,
		Indirect: n.Indirect, Same: n.Same, Copies: n.Copies, Mutators: n.Mutators,
		Nested: n.Nested, Deep: n.Deep, Maps: n.Maps,
	}
	if n != said {
		return fmt.Errorf("%w: shape %+v has more than the Promela text can say, which is %+v",
			ErrUnsupported, n, said)
	}
	if s.Grace.Kind > protocol.GraceNoBarrier {
		return fmt.Errorf("%w: the Promela text does not know the grace flavour %s", ErrUnsupported, s.Grace.Name)
	}
	p := newPromela(s, threads)
	p.head()
	p.threads()
	p.writeAgents()
	p.graces()
	_, err := io.WriteString(w, p.String())
	return err
}

// A promela is a model that is being written.
type promela struct {
	protocol.Subject
	strings.Builder

	mutators int
	agents   int  // the mutators, and the loader where there is one
	apart    bool // the map's pointer may name another program than the key holds
	races    bool // operations on one key may be in progress at a time
	looks    bool // what a slot should hold is read before a poke has it for itself
	counts   bool // grace periods look for what readers store
	labels   int  // how many are written
}

func newPromela(s protocol.Subject, threads int) *promela {
	p := &promela{Subject: s, mutators: max(1, s.Shape.Mutators)}
	p.Shape.Threads = threads
	p.agents = p.mutators + min(1, s.Shape.Copies)
	if s.Shape.Indirect || p.comes() {
		for op := range s.Protocol.Ops {
			p.apart = p.apart || !publishes(s.Protocol.Ops[op])
		}
	}
	p.races = p.mutators > 1 && s.Protocol.Mutex == protocol.MutexNone
	p.looks = p.agents > 1 && s.Protocol.Mutex == protocol.MutexNone
	p.counts = s.Grace.Kind == protocol.GraceCounter || s.Grace.Kind == protocol.GraceNoBarrier
	return p
}

func (p *promela) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// text writes what is the same for one agent as for several. Of several each has its own
// element of a variable: name@ is that of the agent at hand, name$ declares all.
func (p *promela) text(s string) {
	all := ""
	if p.agents > 1 {
		all = "[AGENTS]"
	}
	p.WriteString(strings.NewReplacer("@", p.my(""), "$", all).Replace(s))
}

// of names a variable of the agent i.
func (p *promela) of(name string, i int) string {
	if p.agents == 1 {
		return name
	}
	return fmt.Sprintf("%s[%d]", name, i)
}

// my names a variable of the agent at hand.
func (p *promela) my(name string) string {
	if p.agents == 1 {
		return name
	}
	return name + "[ME]"
}

// comes reports whether images come and go.
func (p *promela) comes() bool { return p.Shape.Copies > 0 || p.Shape.Deep }

// coming says something only where they do.
func (p *promela) coming(s string) string {
	if !p.comes() {
		return ""
	}
	return s
}
