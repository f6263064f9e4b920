package promela

import (
	"errors"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tailpoke/patcher/protocol"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// needy returns the subject of a mutant of the model's own zoo.
func needy(t *testing.T, name string) protocol.Subject {
	t.Helper()
	zoo := protocol.ModelZoo()
	i := slices.IndexFunc(zoo, func(m protocol.Mutant) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no mutant %s", name)
	}
	s, err := zoo[i].Apply(protocol.DefaultSubject())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestGolden pins what Spin, and a person, gets to read.
func TestGolden(t *testing.T) {
	all := needy(t, "counter")
	all.Method, all.Protocol.Mutex = protocol.Methods()[1], protocol.MutexNone
	all.Shape = protocol.Shape{
		Sites: 1, Programs: 1, Keys: 1, Indirect: true, Same: true, Copies: 1, Mutators: 2,
	}
	deep := needy(t, "late-forget")
	deep.Method = protocol.Methods()[1]
	deep.Shape = protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Nested: true, Copies: 1, Deep: true}
	for _, c := range []struct {
		file    string
		s       protocol.Subject
		threads int
	}{{"kernel", protocol.DefaultSubject(), 2}, {"everything", all, 1}, {"deep", deep, 1}} {
		var b strings.Builder
		if err := Write(&b, c.s, c.threads); err != nil {
			t.Fatal(err)
		}
		name := "testdata/" + c.file + ".golden"
		if *update {
			if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatalf("%v (go test -update writes it)", err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestUnsupported: what the text cannot say is refused with the reason, and nothing is written.
func TestUnsupported(t *testing.T) {
	most := protocol.Shape{Threads: 8, Sites: 8, Programs: 6, Keys: 4, Maps: 4, Mutators: 2}
	for _, c := range []struct {
		want string // "": it is written
		edit func(s *protocol.Subject)
	}{
		{"", func(s *protocol.Subject) { s.Shape = most }},
		{"0 threads", func(s *protocol.Subject) { s.Shape.Threads = 0 }},
		{"9 threads", func(s *protocol.Subject) { s.Shape.Threads = 9 }},
		{"9 sites", func(s *protocol.Subject) { s.Shape.Sites = 9 }},
		{"7 programs", func(s *protocol.Subject) { s.Shape.Programs = 7 }},
		{"5 keys", func(s *protocol.Subject) { s.Shape.Keys = 5 }},
		{"3 copies", func(s *protocol.Subject) { s.Shape.Copies = 3 }},
		{"5 maps", func(s *protocol.Subject) { s.Shape.Maps = 5 }},
		{"3 mutators", func(s *protocol.Subject) { s.Shape.Mutators = 3 }},
		{"no words for the grace flavour epoch", func(s *protocol.Subject) {
			s.Grace.Kind = protocol.GraceNoBarrier + 1
		}},
		{"no words for kinds of readers, or of grace periods, with the flavour", func(s *protocol.Subject) {
			p, err := protocol.ProtocolByName("kernel-7.0")
			if err != nil {
				t.Error(err)
			}
			s.Protocol, s.Grace.Kind = p, protocol.GraceNoBarrier
		}},
		{"the method int3 has no steps", func(s *protocol.Subject) { s.Method.Steps = nil }},
		{"the step [0:]=int3", stepped(protocol.MicroStep{From: protocol.FromTrap})},
		{"the step [1:2]=int3", stepped(protocol.MicroStep{Off: 1, Len: 1, From: protocol.FromTrap})},
		{"the step [1:]=new single", stepped(protocol.MicroStep{Off: 1, Single: true})},
		{"the step [0:2]=new", stepped(protocol.MicroStep{Len: 2})},
		{"the step [2:]=new", stepped(protocol.MicroStep{Off: 2})},
		{"", stepped(protocol.MicroStep{Off: 1, From: protocol.FromOld})},
		{"", func(s *protocol.Subject) { s.Protocol.Load = long(254) }},
		{"", func(s *protocol.Subject) { s.Protocol.Load, s.Shape.Copies = long(254), 1 }},
		{"255 actions", func(s *protocol.Subject) { s.Protocol.Load, s.Shape.Copies = long(255), 1 }},
		{"255 actions", func(s *protocol.Subject) { s.Protocol.Unload, s.Shape.Copies = long(255), 1 }},
		{"255 actions", func(s *protocol.Subject) { s.Protocol.Ops[protocol.Remove] = long(255) }},
		{"kernel's", func(s *protocol.Subject) { *s = deepOf(needy(t, "late-stable")) }},
		{"waits last", func(s *protocol.Subject) { *s = deepOf(needy(t, "early-untrack")) }},
		{"in progress", func(s *protocol.Subject) { *s = deepOf(needy(t, "no-mutex")) }},
		{"in progress", func(s *protocol.Subject) { *s = deepOf(needy(t, "two-maps")) }},
	} {
		s := protocol.DefaultSubject()
		s.Shape.Threads = 1
		c.edit(&s)
		var b strings.Builder
		err := Write(&b, s, s.Shape.Threads)
		if c.want == "" {
			if err != nil || b.Len() == 0 {
				t.Errorf("%+v: error %v, wrote %d bytes", s.Shape, err, b.Len())
			}
			continue
		}
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), c.want) || b.Len() > 0 {
			t.Errorf("%+v: error %v, want %q; wrote %d bytes", s.Shape, err, c.want, b.Len())
		}
	}
}

// TestPeriods: a grace period that any list of steps names is written, that of an unload among them.
func TestPeriods(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Shape.Threads, s.Shape.Copies = 1, 1
	own := periodsOf(t, s)
	s.Protocol.Unload = append(slices.Clone(s.Protocol.Unload), protocol.Step{Kind: protocol.Wait, Grace: protocol.OwnPeriod + 1})
	if got := periodsOf(t, s); !slices.Equal(got, append(own, protocol.OwnPeriod+1)) {
		t.Errorf("%v, and %v where an unload names one more", own, got)
	}
	s.Shape.Copies = 0
	if got := periodsOf(t, s); !slices.Equal(got, own) {
		t.Errorf("%v without copies, which come and go", got)
	}
}

func periodsOf(t *testing.T, s protocol.Subject) []protocol.Period {
	t.Helper()
	p, err := newPromela(s)
	if err != nil {
		t.Fatal(err)
	}
	return p.periods()
}

// stepped gives a method one more step.
func stepped(m protocol.MicroStep) func(*protocol.Subject) {
	return func(s *protocol.Subject) { s.Method.Steps = append(s.Method.Clone().Steps, m) }
}

// TestNames: only what is said of slots has their names, and a protocol may have any name.
func TestNames(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Protocol.Name = "slot0"
	var b strings.Builder
	if err := Write(&b, s, 1); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(strings.ToLower(b.String()), "slot0"); n != 1 {
		t.Errorf("slot0 stands %d times in the text, want once\n%s", n, b.String())
	}
}

// long returns so many steps.
func long(n int) []protocol.Step {
	return slices.Repeat([]protocol.Step{{Kind: protocol.Wait}}, n)
}

// deepOf returns the subject with programs that have sites.
func deepOf(s protocol.Subject) protocol.Subject {
	s.Shape.Deep, s.Shape.Threads = true, 1
	return s
}

// TestEveryFieldOfAShape: what a shape asks for must be said or refused, never left out.
func TestEveryFieldOfAShape(t *testing.T) {
	var plain strings.Builder
	base := protocol.DefaultSubject()
	base.Shape = protocol.Shape{Sites: 3, Programs: 1, Keys: 2, Mutators: 2}
	if err := Write(&plain, base, 1); err != nil {
		t.Fatal(err)
	}
	shape := reflect.TypeFor[protocol.Shape]()
	for i := range shape.NumField() {
		s := base
		if field := reflect.ValueOf(&s.Shape).Elem().Field(i); field.CanInt() {
			field.SetInt(field.Int()%2 + 1) // another number, which is possible
		} else {
			field.SetBool(true)
		}
		s.Shape.Maps *= 2 // one is none
		threads := max(1, s.Shape.Threads*2)
		var b strings.Builder
		err := Write(&b, s, threads)
		if err == nil && b.String() == plain.String() || err != nil && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: error %v, and the text says nothing of it", shape.Field(i).Name, err)
		}
	}
}

type fullDisk struct{}

var errFull = errors.New("full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteError(t *testing.T) {
	if err := Write(fullDisk{}, protocol.DefaultSubject(), 1); !errors.Is(err, errFull) {
		t.Errorf("error %v, want %v", err, errFull)
	}
}
