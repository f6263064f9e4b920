package reference

import (
	"fmt"
	"testing"

	"tailpoke/patcher/protocol"
)

// The kernel's protocol, operation by operation, and its poke method.
const (
	install = "publish; each { target=jump; bypass=nop }"
	update  = "publish; each { target=jump }; retire"
	remove  = "publish; each { bypass=jump; wait if changed; target=nop }; retire"
	int3    = "head=int3; sync; tail; sync; head=new; sync"
)

// written makes a subject of texts; "" stands for the kernel's.
func written(t *testing.T, install_, update_, remove_, method string) subject {
	t.Helper()
	or := func(text, kernel string) string {
		if text == "" {
			return kernel
		}
		return text
	}
	s := subject{
		name: "subject", grace: "epoch", sites: 1, keys: 1, threads: 1,
		protocol: "protocol p\n  install " + or(install_, install) + "\n  update " + or(update_, update) +
			"\n  remove " + or(remove_, remove) + "\n",
		method: "method m\n  " + or(method, int3) + "\n",
	}
	s.parse(t)
	return s
}

// TestKnown has all three judge texts of which it is known what is wrong with them: what each
// property means is said here by hand.
func TestKnown(t *testing.T) {
	var c comparison
	for _, k := range []struct {
		why                             string
		install, update, remove, method string
		indirect                        bool
		breaks                          string // by the alphabet
	}{
		{why: "the kernel's own"},
		{
			why:     "a thread passes the open bypass before there is a program",
			install: "publish; each { bypass=nop; target=jump }",
			breaks:  "never-a",
		},
		{
			why:    "a thread between the slots is not waited for",
			remove: "publish; each { bypass=jump; target=nop }; retire",
			breaks: "never-a",
		},
		{
			why:    "a thread that has entered before is still in the program",
			update: "publish; each { target=jump }; free",
			breaks: "no-use-after-free",
		},
		{
			why:    "threads still get to the program that was retired",
			update: "publish; retire; wait; each { target=jump }",
			breaks: "no-use-after-free",
		},
		{
			why:    "an execution of which all is over by the update's return must take the new program",
			update: "publish; retire",
			breaks: "fresh no-use-after-free",
		},
		{
			why:    "what is closed meanwhile is missed",
			update: "publish; each { bypass=jump; wait; target=jump; bypass=nop }; retire",
			breaks: "no-miss",
		},
		{
			why:    "a program that the key was given anew has two references, and neither is put",
			update: "publish; each { target=jump }",
			breaks: "no-leak",
		},
		{
			why:    "a wait before the pointer is exchanged does for direct callers",
			remove: "each { bypass=jump; wait; target=nop }; publish; free",
		},
		{
			why:      "but others still read it",
			remove:   "each { bypass=jump; wait; target=nop }; publish; free",
			indirect: true, breaks: "no-use-after-free",
		},
		{
			why:    "it is let go twice",
			remove: remove + "; retire", breaks: "no-double-free",
		},
		{
			why:    "the pointer still names it",
			remove: "each { bypass=jump; wait; target=nop }; retire; publish",
			breaks: "no-early-free",
		},
		{
			why:    "old and new bytes are fetched together",
			method: "bytes; sync",
			breaks: "no-torn",
		},
		{
			why:    "a CPU may see the second store of the same bytes, and not the first",
			method: "all; tail; sync",
			breaks: "no-torn",
		},
		{
			why: "the trap byte stays, for threads and for the next poke", method: "all; head=int3; sync",
			breaks: "expected-bytes no-torn",
		},
		{
			why:    "a wait inside each counts the pokes of its own iteration",
			remove: "publish; each { bypass=jump }; each { wait if changed; target=nop }; retire",
			breaks: "never-a",
		},
		{
			why:    "a wait outside each counts those of the whole operation",
			remove: "publish; each { bypass=jump }; wait if changed; each { target=nop }; retire",
		},
	} {
		s := written(t, k.install, k.update, k.remove, k.method)
		s.name, s.indirect = k.why, k.indirect
		c.subject(t, s)
		got := fmt.Sprint(ask(s.askedOfModel(1)).properties())
		if got != "["+k.breaks+"]" {
			t.Errorf("breaks %s, want [%s]\n%v", got, k.breaks, s)
		}
	}
}

// TestOneThread: what several threads break, one of them breaks alone, in as many steps. It is the
// argument of package model, held against the interpreter.
func TestOneThread(t *testing.T) {
	n := 6
	if testing.Short() {
		n = 1
	}
	for i := range n {
		s := generated(t, *seed, i)
		s.sites, s.keys = 1, 1
		one, two := ask(s.askedOfModel(1)), ask(s.askedOfModel(2))
		if len(s.parsed.Readers) > 1 {
			one = alone(s)
		}
		if len(one.nearest) != len(two.nearest) || one.states == two.states {
			t.Errorf("one thread: %v; two: %v\n%v", one, two, s)
		}
		for p, steps := range one.nearest {
			if two.nearest[p] != steps {
				t.Errorf("%s: in %d steps with one thread, %d with two\n%v", p, steps, two.nearest[p], s)
			}
		}
	}
}

// alone is what a thread of each kind of readers breaks, one after the other.
func alone(s subject) answer {
	out := answer{nearest: map[protocol.Property]int{}}
	for kind := range s.parsed.Readers {
		q := s.askedOfModel(1)
		q.threads, q.kind = 1, kind
		a := ask(q)
		out.states += a.states
		for p, steps := range a.nearest {
			if least, known := out.nearest[p]; !known || steps < least {
				out.nearest[p] = steps
			}
		}
	}
	return out
}
