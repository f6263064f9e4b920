package promela

import (
	_ "embed" // model.pml
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"tailpoke/patcher/protocol"
)

// ErrUnsupported is the error, wrapped with the reason, for a subject that the text cannot say.
var ErrUnsupported = errors.New("the Promela text cannot say this subject")

// Write writes the subject as a model in Promela, with so many threads. The error is
// [ErrUnsupported], or that of w.
func Write(w io.Writer, s protocol.Subject, threads int) error {
	s.Shape.Threads = threads
	p, err := newPromela(s)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	p.title()
	title := p.String()
	p.Reset()
	p.head()
	p.threads()
	p.writeAgents()
	p.graces()
	_, err = io.WriteString(w, title+p.named(p.String()))
	return err
}

// The slots of a site. Texts call them slot0 and slot1; [promela.named] puts their names there.
const (
	slot0 protocol.Slot = iota // leads over the site
	slot1                      // leads to programs
)

// named puts the names of the slots into a text.
func (p *promela) named(text string) string {
	site := p.Protocol.Site()
	first, second := site.SlotName(slot0), site.SlotName(slot1)
	return strings.NewReplacer("slot0", first, "SLOT0", strings.ToUpper(first),
		"slot1", second, "SLOT1", strings.ToUpper(second)).Replace(text)
}

// A promela is a model that is being written.
type promela struct {
	protocol.Subject
	strings.Builder

	mutators int
	agents   int  // the mutators, and the loader where there is one
	apart    bool // the map's pointer may name another program than the key holds
	races    bool // two operations on one key may be in progress at a time
	looks    bool // a poke reads what a slot should hold before it has the slot for itself
	counts   bool // grace periods look for what readers store
	labels   int  // how many have been written

	stores []string           // of a poke, one for each of its moves
	unlist protocol.Unlisting // when the list forgets a program that has sites
	facts  map[string]bool    // of the subject, as model.pml asks for them
}

func newPromela(s protocol.Subject) (*promela, error) {
	p := &promela{Subject: s, mutators: max(1, s.Shape.Mutators)}
	if err := p.fits(); err != nil {
		return nil, err
	}
	p.agents = p.mutators + min(1, s.Shape.Copies)
	if s.Shape.Indirect || p.comes() {
		for op := range s.Protocol.Ops {
			p.apart = p.apart || !publishes(s.Protocol.Ops[op])
		}
	}
	p.races = p.mutators > 1 && s.Protocol.Mutex == protocol.MutexNone
	p.looks = p.agents > 1 && s.Protocol.Mutex == protocol.MutexNone
	p.counts = s.Grace.Kind == protocol.GraceCounter || s.Grace.Kind == protocol.GraceNoBarrier
	n := s.Shape
	p.facts = map[string]bool{
		"several": p.agents > 1, "mutators": p.mutators > 1, "copies": n.Copies > 0, "deep": n.Deep,
		"comes": p.comes(), "apart": p.apart, "looks": p.looks, "counts": p.counts, "kinds": p.kinds(),
		"knows": n.Copies > 0 && s.Protocol.Knows(), "lasts": n.Nested || n.Deep, "home": p.comesHome(),
		"same": n.Same || p.mutators > 1, "unlisted": p.unlist == protocol.UnlistFirst,
	}
	return p, nil
}

func (p *promela) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// text writes a text that is the same for one agent as for several. Each of several has its
// own element of a variable: name@ is that of the agent at hand, name$ declares all of them.
func (p *promela) text(s string) {
	all := ""
	if p.agents > 1 {
		all = "[AGENTS]"
	}
	p.WriteString(strings.NewReplacer("@", p.my(""), "$", all).Replace(s))
}

// source has the parts of models that are the same for all subjects, or nearly so.
//
//go:embed model.pml
var source string

// parts are those of model.pml, by name. Package text/template would read them too, and would keep
// every method of every type in the binary: it finds methods by their names.
var parts = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, text := range strings.Split(source, "{{define ")[1:] {
		name, text, _ := strings.Cut(text, "}}")
		out[strings.Trim(name, `"`)], _, _ = strings.Cut(text, "{{end}}")
	}
	return out
})

// holes are what a part leaves open, by name: {{.name}}.
type holes map[string]any

// chosen is a text as it is for this subject.
func (p *promela) chosen(text string) string {
	for {
		i := strings.LastIndex(text, "{{if ") // which has no other one in it
		if i < 0 {
			return text
		}
		fact, rest, _ := strings.Cut(text[i+len("{{if "):], "}}")
		says, after, _ := strings.Cut(rest, "{{fi}}")
		word, not := strings.CutPrefix(fact, "not ")
		is, known := p.facts[word]
		switch {
		case !known:
			panic("promela: model.pml asks for " + word)
		case is == not:
			says = ""
		}
		text = text[:i] + says + after
	}
}

// put writes a part of model.pml.
func (p *promela) put(part string, fill holes) {
	text, ok := parts()[part]
	text = p.chosen(text)
	for name, value := range fill {
		text = strings.ReplaceAll(text, "{{."+name+"}}", fmt.Sprint(value))
	}
	if !ok || strings.Contains(text, "{{") {
		panic("promela: no part " + part + ", or a hole in it is left open")
	}
	p.text(text)
}

// of names a variable of an agent, by its number.
func (p *promela) of(name string, agent any) string {
	if p.agents == 1 {
		return name
	}
	return fmt.Sprintf("%s[%v]", name, agent)
}

// my names a variable of the agent at hand.
func (p *promela) my(name string) string { return p.of(name, "ME") }

// comes reports whether images come and go.
func (p *promela) comes() bool { return p.Shape.Copies > 0 || p.Shape.Deep }

// maxActions is how many actions a list may have: the byte last holds an index plus 1.
const maxActions = 1<<8 - 2

// fits says why the text cannot say the subject, and notes what it has to know to say it. Sets
// are bytes, and tails have three bits; the other bounds are those of package model, beyond
// which nothing was compared.
func (p *promela) fits() (err error) {
	if site := p.Protocol.Site(); len(site.Slots) != 2 || site.Jumps(slot0) || !site.Jumps(slot1) {
		return fmt.Errorf("no words for the slots of a %s", site.Name)
	}
	n := p.Shape
	if err := n.Within(protocol.Shape{
		Threads: 8, Sites: 8, Programs: 6, Keys: 4, Copies: 2, Maps: 4, Mutators: 2,
	}); err != nil {
		return err
	}
	if p.Grace.Kind > protocol.GraceNoBarrier {
		return fmt.Errorf("no words for the grace flavour %s", p.Grace.Name)
	}
	if p.Protocol.NamesGraces() && p.Grace.Kind > protocol.GraceSleep {
		return fmt.Errorf("no words for kinds of readers, or of grace periods, with the flavour %s", p.Grace.Name)
	}
	if len(p.Method.Steps) == 0 {
		return fmt.Errorf("the method %s has no steps", p.Method.Name)
	}
	for _, step := range p.Method.Steps {
		stores, err := storesOf(step, p.Protocol.Site().Slots[slot0].Size)
		if err != nil {
			return err
		}
		p.stores = append(p.stores, stores...)
	}
	if n.Deep {
		if p.unlist, err = p.Unlisting(); err != nil {
			return err
		}
	}
	return p.fitsActions()
}

// fitsActions says which list of actions is too long.
func (p *promela) fitsActions() error {
	var lists [][]protocol.Action
	if p.Shape.Copies > 0 {
		lists = append(lists, p.Protocol.UnrollLoad(p.Shape.Sites), p.Protocol.UnrollUnload())
	}
	for op := range protocol.OpKinds {
		for k := range p.Shape.Keys {
			lists = append(lists, p.Protocol.Unroll(protocol.OpKind(op), len(p.sitesOf(k))))
		}
	}
	for _, list := range lists {
		if len(list) > maxActions {
			return fmt.Errorf("%d actions of an operation or a load, more than %d",
				len(list), maxActions)
		}
	}
	return nil
}

// publishes reports whether an operation exchanges the map's pointer.
func publishes(steps []protocol.Step) bool {
	return slices.ContainsFunc(steps, func(s protocol.Step) bool { return s.Kind == protocol.Publish })
}
