package protocol

import (
	"errors"
	"strings"
	"testing"
)

// fuzz feeds a parser: it must not panic, an error must name a place in the text, and
// what parses must print as text that parses to an equal value.
func fuzz[T interface{ String() string }](f *testing.F, parse func(string) (T, error)) {
	f.Add("")
	f.Add("#")
	f.Add("\xff\x00;={}")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parse(text)
		if err != nil {
			checkPlace(t, text, err)
			return
		}
		if len(v.String()) > maxText {
			t.Skip("printed, the text is longer than a text may be")
		}
		roundTrip(t, v, parse)
	})
}

// checkPlace wants a syntax error within the text or one byte behind a line of it.
func checkPlace(t *testing.T, text string, err error) {
	t.Helper()
	var se *SyntaxError
	if !errors.As(err, &se) {
		t.Fatalf("%T is no syntax error: %v", err, err)
	}
	lines := strings.Split(text, "\n")
	if se.Line < 1 || se.Line > len(lines) || se.Col < 1 || se.Col > len(lines[se.Line-1])+1 {
		t.Errorf("%v: no such place in %q", err, text)
	}
}

func FuzzParseProtocol(f *testing.F) {
	for _, p := range AllProtocols() {
		f.Add(p.String())
	}
	for _, m := range append(Zoo(), ModelZoo()...) {
		s, err := m.Apply(DefaultSubject())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.Protocol.String())
	}
	for _, c := range protocolErrors {
		f.Add(c.text)
	}
	fuzz(f, ParseProtocol)
}

func FuzzParseMethod(f *testing.F) {
	for _, m := range Methods() {
		f.Add(m.String())
	}
	for _, c := range methodErrors {
		f.Add(c.text)
	}
	f.Add("method retry\n trap=retry; head=int3; sync; tail; sync; head=new; sync")
	fuzz(f, ParseMethod)
}

func FuzzParseScript(f *testing.F) {
	f.Add("put 0 1\ndelete 0\nload\nunload\n")
	for _, c := range scriptErrors {
		f.Add(c.text)
	}
	fuzz(f, ParseScript)
}
