package model

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/patcher/protocol"
)

// TestWorkersChangeNothing: the whole result, witness included, is the same for every
// number of workers and in every run.
func TestWorkersChangeNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		s    protocol.Subject
		o    Options
	}{
		{"proved", protocol.DefaultSubject(), Options{Threads: 3}},
		{"violated", mutant(t, "no-grace"), Options{Threads: 3, NoSymmetry: true}},
		{"proved", copies(1), Options{}},
		{"violated", needy(t, "quiet-grace"), Options{Progress: true}},
		{"violated", needy(t, "no-mutex"), Options{Threads: 2}},
		{"bounded", protocol.DefaultSubject(), Options{Threads: 4, MaxStates: 30_000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Workers = 1
			want := check(t, c.s, c.o)
			if string(want.Verdict) != c.name {
				t.Fatalf("found %s", want.Verdict)
			}
			for _, workers := range few(2, []int{3, 1, 2, 7}) {
				c.o.Workers = workers
				if diff := cmp.Diff(want, check(t, c.s, c.o)); diff != "" {
					t.Errorf("%d workers (-1 worker +%d workers):\n%s", workers, workers, diff)
				}
			}
		})
	}
}

// TestBounded: a bound that is hit is no proof, and does not hide what was found.
func TestBounded(t *testing.T) {
	s := protocol.DefaultSubject()
	full := check(t, s, Options{})
	if r := check(t, s, Options{MaxStates: int(full.States) - 1}); r.Verdict != protocol.Bounded {
		t.Errorf("one state short: found %s", r.Verdict)
	}
	if r := check(t, s, Options{MaxStates: int(full.States)}); r.Verdict != protocol.Proved {
		t.Errorf("just enough: found %s", r.Verdict)
	}
	r := check(t, mutant(t, "no-grace"), Options{MaxStates: 10})
	if r.Verdict != protocol.Bounded || r.Witness != nil {
		t.Errorf("bounded before the violation: found %s", r.Verdict)
	}
}

func TestUnsupported(t *testing.T) {
	for name, change := range map[string]func(*protocol.Subject){
		"sites":    func(s *protocol.Subject) { s.Shape.Sites = maxSites + 1 },
		"no site":  func(s *protocol.Subject) { s.Shape.Sites = 0 },
		"programs": func(s *protocol.Subject) { s.Shape.Programs = maxPrograms + 1 },
		"keys":     func(s *protocol.Subject) { s.Shape.Keys = maxKeys + 1 },
		"method":   func(s *protocol.Subject) { s.Method.Steps = nil },
		"readers":  func(s *protocol.Subject) { s.Protocol.Readers = make([]protocol.Reader, protocol.MaxReaders+1) },
		"actions": func(s *protocol.Subject) {
			s.Protocol.Ops[protocol.Remove] = make([]protocol.Step, 255)
		},
	} {
		s := protocol.DefaultSubject()
		change(&s)
		if _, err := Check(s, Options{}); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for _, o := range []Options{{Threads: -1}, {MaxStates: -1}, {Workers: -1}, {Only: protocol.Registers}} {
		if _, err := Check(protocol.DefaultSubject(), o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// TestNearer: of violations of one level the gravest is reported, and of several of one kind the first.
func TestNearer(t *testing.T) {
	grave, slight := violation{broken: noFault + 1, order: 2}, violation{broken: noFault + 2, order: 1}
	later := grave
	later.order++
	for _, c := range []struct {
		v, o violation
		want bool
	}{
		{grave, violation{}, true}, {grave, slight, true}, {slight, grave, false}, {grave, later, true}, {later, grave, false}, {grave, grave, false},
	} {
		if got := c.v.nearer(c.o); got != c.want {
			t.Errorf("%+v nearer than %+v: %v", c.v, c.o, got)
		}
	}
}
