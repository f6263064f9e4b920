package protocol

import (
	"strings"
	"testing"
)

// TestUnlisting: when the list forgets a program with sites follows from the unload.
func TestUnlisting(t *testing.T) {
	for _, c := range []struct {
		unload string
		want   Unlisting
		err    string // part of the error; "" for none
	}{
		{kernelUnload, UnlistFirst, ""},
		{"untrack; free", UnlistFirst, ""},
		{"wait; wait; untrack; untrack; free; free", UnlistFirst, ""},
		{"wait; free; untrack", UnlistLater, ""},
		{"untrack; free; untrack", UnlistLater, ""},
		{"wait; free", UnlistNever, ""},
		{"untrack; wait; free", 0, "whose unload waits last"},
		{"free; wait", 0, "whose unload waits last"},
		{"wait; untrack", 0, "whose unload does not free them"},
		{"", 0, "whose unload does not free them"},
	} {
		s := DefaultSubject()
		var err error
		if s.Protocol.Unload, err = parseSteps(c.unload, opUnload); err != nil {
			t.Fatal(err)
		}
		unlisted(t, s, c.want, c.err)
	}
	for _, c := range []struct {
		err  string
		edit func(s *Subject)
	}{
		{"", func(s *Subject) { s.Shape.Mutators, s.Shape.Maps = 2, 1 }},
		{"", func(s *Subject) { s.Shape.Maps = 2 }},
		{"", func(s *Subject) { s.Protocol.Mutex = MutexKey }},
		{"in progress", func(s *Subject) { s.Shape.Mutators, s.Shape.Maps = 2, 2 }},
		{"in progress", func(s *Subject) { s.Shape.Mutators, s.Protocol.Mutex = 2, MutexKey }},
		{"in progress", func(s *Subject) { s.Protocol.Mutex = MutexNone }},
		{"in another way", func(s *Subject) { s.Protocol.Load = []Step{{Kind: Track}} }},
		{"in another way", func(s *Subject) { s.Protocol.Load = []Step{} }},
		{"", func(s *Subject) { s.Protocol.Load = s.Protocol.LoadSteps() }},
	} {
		s := DefaultSubject()
		c.edit(&s)
		unlisted(t, s, UnlistFirst, c.err)
	}
}

func unlisted(t *testing.T, s Subject, want Unlisting, part string) {
	t.Helper()
	got, err := s.Unlisting()
	switch {
	case part == "" && (err != nil || got != want):
		t.Errorf("%s%+v: %v, %v; want %v", s.Protocol, s.Shape, got, err, want)
	case part != "" && (err == nil || !strings.Contains(err.Error(), part)):
		t.Errorf("%s%+v: error %v, want %q", s.Protocol, s.Shape, err, part)
	}
}
