package protocol

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		edit Edit
		say  string // the edit in words
		want string // the operation or the method edited; or the error
	}{
		{Edit{OfRemove, Drop, "wait if changed", ""}, "remove: drop wait if changed",
			"publish; each { bypass=jump; target=nop }; retire"},
		{Edit{OfRemove, Drop, "retire", ""}, "remove: drop retire",
			"publish; each { bypass=jump; wait if changed; target=nop }"},
		{Edit{OfUpdate, Drop, "each { target=jump }", ""}, "update: drop each { target=jump }",
			"publish; retire"},
		{Edit{OfRemove, Swap, "bypass=jump", "wait if changed"}, "remove: swap bypass=jump and wait if changed",
			"publish; each { wait if changed; bypass=jump; target=nop }; retire"},
		{Edit{OfUpdate, Swap, "retire", "publish"}, "update: swap retire and publish",
			"retire; each { target=jump }; publish"},
		{Edit{OfUpdate, Replace, "retire", "free"}, "update: replace retire by free",
			"publish; each { target=jump }; free"},
		{Edit{OfRemove, Replace, "wait if changed", "bypass=nop"}, "remove: replace wait if changed by bypass=nop",
			"publish; each { bypass=jump; bypass=nop; target=nop }; retire"},
		{Edit{OfRemove, Double, "wait if changed", ""}, "remove: double wait if changed",
			"publish; each { bypass=jump; wait if changed; wait if changed; target=nop }; retire"},
		{Edit{OfInstall, Double, "each { target=jump; bypass=nop }", ""},
			"install: double each { target=jump; bypass=nop }",
			"publish; each { target=jump; bypass=nop }; each { target=jump; bypass=nop }"},
		{Edit{OfInstall, Rewrite, "", "publish; wait"}, "install: rewrite as publish; wait",
			"publish; wait"},
		{Edit{OfInstall, Rewrite, "", ""}, "install: rewrite as ", ""},
		{Edit{OfMethod, Drop, "sync", ""}, "method: drop sync", "head=int3; tail; head=new"},
		{Edit{OfMethod, Drop, "head=int3", ""}, "method: drop head=int3",
			"sync; tail; sync; head=new; sync"},
		{Edit{OfMethod, Rewrite, "", "trap=old; all; sync"}, "method: rewrite as trap=old; all; sync",
			"trap=old; all; sync"},
		{Edit{OfGrace, Rewrite, "", "sleep"}, "grace: rewrite as sleep", "sleep"},
		{Edit{OfLoad, Drop, "read", ""}, "load: drop read",
			"track; each { target=jump; bypass=nop; stable }; open"},
		{Edit{OfLoad, Swap, "track", "open"}, "load: swap track and open",
			"open; each { read; target=jump; bypass=nop; stable }; track"},
		{Edit{OfUnload, Drop, "wait", ""}, "unload: drop wait", "untrack; free"},
		{Edit{OfUnload, Rewrite, "", "free"}, "unload: rewrite as free", "free"},
		{Edit{OfMutex, Rewrite, "", "none"}, "mutex: rewrite as none", "none"},
		{Edit{OfReaders, Rewrite, "", "a: rcu, srcu; b: tasks"}, "readers: rewrite as a: rcu, srcu; b: tasks",
			"a: rcu, srcu; b: tasks"},
		{Edit{OfRemove, Replace, "retire", "retire rcu"}, "remove: replace retire by retire rcu",
			"publish; each { bypass=jump; wait if changed; target=nop }; retire rcu"},
	} {
		if got := c.edit.String(); got != c.say {
			t.Errorf("edit says %q, want %q", got, c.say)
		}
		s, err := c.edit.Apply(DefaultSubject())
		if err != nil {
			t.Error(err)
			continue
		}
		if got := edited(c.edit.Of, s); got != c.want {
			t.Errorf("%v: %s\nwant %s", c.edit, got, c.want)
		}
		others(t, c.edit, s)
	}
}

// edited prints the part of a subject that an edit may have changed.
func edited(of Of, s Subject) string {
	switch of {
	case OfMethod:
		_, steps, _ := strings.Cut(s.Method.String(), "\n")
		return strings.TrimSpace(steps)
	case OfGrace:
		return s.Grace.Name
	case OfLoad:
		return stepsText(s.Protocol.LoadSteps())
	case OfUnload:
		return stepsText(s.Protocol.UnloadSteps())
	case OfMutex:
		return s.Protocol.Mutex.String()
	case OfReaders:
		return readersText(s.Protocol.Readers)
	default:
		return stepsText(s.Protocol.Ops[of])
	}
}

// readersText is how an edit has kinds of readers.
func readersText(readers []Reader) string {
	parts := make([]string, len(readers))
	for i, r := range readers {
		parts[i] = r.String()
	}
	return strings.Join(parts, "; ")
}

// others wants every part but the edited one as it was.
func others(t *testing.T, e Edit, s Subject) {
	t.Helper()
	for of := OfInstall; of <= OfMutex; of++ {
		if got, want := edited(of, s), edited(of, DefaultSubject()); of != e.Of && got != want &&
			!(e.Of == OfReaders && of == OfUnload) { // where no text says how, it waits for readers of every kind
			t.Errorf("%v changed the %s to %s", e, ofNames[of], got)
		}
	}
}

// TestEditsKeepBounds: what an edit leaves must be a text that a person could have written, which is
// of no more steps than there may be.
func TestEditsKeepBounds(t *testing.T) {
	s := DefaultSubject()
	double := Edit{OfUpdate, Double, "wait", ""}
	s.Protocol.Ops[Update] = slices.Repeat([]Step{{Kind: Wait}}, maxSteps-1)
	s, err := double.Apply(s)
	if err != nil || len(s.Protocol.Ops[Update]) != maxSteps {
		t.Fatalf("%d steps, %v", len(s.Protocol.Ops[Update]), err)
	}
	if _, err := double.Apply(s); err == nil || !strings.Contains(err.Error(), "more than 64 steps") {
		t.Errorf("error %v", err)
	}
}

func TestEditsThatHitNothing(t *testing.T) {
	const kernelUpdate = `"publish; each { target=jump }; retire"`
	for _, c := range []struct {
		edit Edit
		want string
	}{
		{Edit{OfUpdate, Drop, "wait", ""}, `edit "update: drop wait": no such step in ` + kernelUpdate},
		{Edit{OfUpdate, Drop, "", ""}, `edit "update: drop ": no such step in ` + kernelUpdate},
		{Edit{OfUpdate, Double, "free", ""},
			`edit "update: double free": no such step in ` + kernelUpdate},
		{Edit{OfUpdate, Swap, "publish", "wait"},
			`edit "update: swap publish and wait": no such step in ` + kernelUpdate},
		// Steps of two lists cannot change places: neither may stand in the other's.
		{Edit{OfUpdate, Swap, "publish", "target=jump"},
			`edit "update: swap publish and target=jump": no such step in ` + kernelUpdate},
		{Edit{OfUpdate, Replace, "retire", "forget"},
			`edit "update: replace retire by forget": 1:1: expected a step, found "forget"`},
		{Edit{OfUpdate, Replace, "target=jump", "publish"},
			`edit "update: replace target=jump by publish": 1:1: publish concerns the key, not a descriptor, and must stand outside each { }`},
		{Edit{OfRemove, Replace, "target=nop", "target=jump"},
			`edit "remove: replace target=nop by target=jump": 1:8: remove gives the key no program that the target could jump to`},
		{Edit{OfUpdate, Replace, "retire", "free; wait"},
			`edit "update: replace retire by free; wait": 1:5: expected the end of the text, found ";"`},
		{Edit{OfInstall, Rewrite, "", "publish; retire"},
			`edit "install: rewrite as publish; retire": 1:10: install replaces no program that it could retire`},
		{Edit{OfInstall, Rewrite, "", "publish; update wait"},
			`edit "install: rewrite as publish; update wait": 1:10: expected a step, found "update"`},
		{Edit{OfInstall, Rewrite, "", "publish update wait"},
			`edit "install: rewrite as publish update wait": 1:9: expected the end of the text, found "update"`},
		{Edit{OfInstall, Rewrite, "", "} wait"},
			`edit "install: rewrite as } wait": 1:1: expected the end of the text, found "}"`},
		{Edit{OfInstall, Rewrite, "", "publish!"},
			`edit "install: rewrite as publish!": 1:8: unexpected character '!'`},
		{Edit{OfLoad, Drop, "untrack", ""},
			`edit "load: drop untrack": no such step in "track; each { read; target=jump; bypass=nop; stable }; open"`},
		{Edit{OfUnload, Replace, "wait", "retire"},
			`edit "unload: replace wait by retire": 1:1: unload replaces no program that it could retire`},
		{Edit{OfLoad, Rewrite, "", "publish"},
			`edit "load: rewrite as publish": 1:1: load has no publish`},
		{Edit{OfMutex, Rewrite, "", "many"},
			`edit "mutex: rewrite as many": no such mutex; known: [map key none]`},
		{Edit{OfReaders, Rewrite, "", "a: rcu; a: srcu"},
			`edit "readers: rewrite as a: rcu; a: srcu": 2:9: reader a stands twice`},
		{Edit{OfReaders, Rewrite, "", ""},
			`edit "readers: rewrite as ": 2:1: expected the name of a kind of readers, found the end of the text`},
		{Edit{OfMethod, Drop, "all", ""}, `edit "method: drop all": no step all`},
		{Edit{OfMethod, Drop, "tail", ""},
			`edit "method: drop tail": 2:36: the method never writes the whole instruction: it needs all, bytes, or tail and head=new, as every slot also changes between nop and jump`},
		{Edit{OfMethod, Swap, "tail", "sync"},
			`edit "method: swap tail and sync": a method knows drop and rewrite alone`},
		{Edit{OfMethod, Rewrite, "", "ipi"},
			`edit "method: rewrite as ipi": 2:1: expected head=int3, tail, head=new, all, bytes, sync, trap=new, trap=old or trap=retry, found "ipi"`},
		{Edit{OfGrace, Rewrite, "", "none"},
			`edit "grace: rewrite as none": unknown grace flavour "none"; known: epoch forget-one sleep self quiet counter no-barrier`},
	} {
		if s, err := c.edit.Apply(DefaultSubject()); err == nil {
			t.Errorf("%v gave %s", c.edit, edited(c.edit.Of, s))
		} else if err.Error() != c.want {
			t.Errorf("%s\nwant\n%s", err, c.want)
		}
	}
	m := Mutant{Name: "none", Edits: []Edit{{OfUpdate, Drop, "wait", ""}}}
	_, err := m.Apply(DefaultSubject())
	if err == nil || !strings.HasPrefix(err.Error(), "mutant none: edit ") {
		t.Errorf("error %v does not name the mutant", err)
	}
}

// TestEditsDoNotAlias applies every edit of the zoo to one subject, and the steps of
// the results are overwritten: the subject must stay as it was.
func TestEditsDoNotAlias(t *testing.T) {
	subject := func() Subject {
		s := DefaultSubject()
		s.Protocol.Load, s.Protocol.Unload = s.Protocol.LoadSteps(), s.Protocol.UnloadSteps()
		return s
	}
	s := subject()
	for _, m := range append(Zoo(), ModelZoo()...) {
		for _, e := range m.Edits {
			got, err := e.Apply(s)
			if err != nil {
				t.Fatal(err)
			}
			switch e.Of {
			case OfMethod:
				scribbleMicro(got.Method.Steps)
			case OfInstall, OfUpdate, OfRemove, OfLoad, OfUnload, OfMutex:
				for _, steps := range got.Protocol.Ops {
					scribble(steps)
				}
				scribble(got.Protocol.Load)
				scribble(got.Protocol.Unload)
			}
			if diff := cmp.Diff(subject(), s); diff != "" {
				t.Fatalf("%s: %v changed what it was applied to:\n%s", m.Name, e, diff)
			}
		}
	}
}

func TestClonesShareNothing(t *testing.T) {
	for _, p := range AllProtocols() {
		was, c := p.String(), p.Clone()
		if diff := cmp.Diff(p, c); diff != "" {
			t.Errorf("a clone differs:\n%s", diff)
		}
		for _, steps := range c.Ops {
			scribble(steps)
		}
		if p.String() != was {
			t.Errorf("%s became %s", was, p)
		}
	}
	for _, m := range Methods() {
		was, c := m.String(), m.Clone()
		scribbleMicro(c.Steps)
		if m.String() != was {
			t.Errorf("%s became %s", was, m)
		}
	}
}

// scribble overwrites steps, those inside each first.
func scribble(steps []Step) {
	for i, s := range steps {
		scribble(s.Body)
		steps[i] = Step{Kind: Free}
	}
}

func scribbleMicro(steps []MicroStep) {
	for i := range steps {
		steps[i] = MicroStep{}
	}
}
