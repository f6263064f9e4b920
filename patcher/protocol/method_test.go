package protocol

import (
	"fmt"
	"testing"
)

// TestMicroSteps: what each step of the grammar stores, on an instruction of five bytes.
func TestMicroSteps(t *testing.T) {
	for word, want := range map[string]string{
		"head=int3": "[0:1] cc single", "tail": "[1:5] bcde", "head=new": "[0:1] a single",
		"all": "[0:5] abcde single", "bytes": "[0:5] abcde",
	} {
		m, ok := MicroStepByWord(word)
		if !ok || m.Sync || m.String() != word {
			t.Errorf("%s: %+v, %v", word, m, ok)
		}
		from, to := m.Span(5)
		got := fmt.Sprintf("[%d:%d] %s", from, to, m.Bytes(nil, []byte("ABCDE"), []byte("abcde")))
		if m.From == FromTrap {
			got = fmt.Sprintf("[%d:%d] %x", from, to, m.Bytes(nil, []byte("ABCDE"), []byte("abcde")))
		}
		if m.Single {
			got += " single"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
	if m, ok := MicroStepByWord("sync"); !ok || m != (MicroStep{Sync: true}) {
		t.Errorf("sync is %+v", m)
	}
	odd := MicroStep{Off: 2, Len: 2, From: FromOld, Single: true}
	got := string(odd.Bytes(nil, []byte("ABCDE"), []byte("abcde")))
	if got != "CD" || odd.String() != "[2:4]=old single" {
		t.Errorf("%s writes %s", odd, got)
	}
}

// TestMethodLines: steps stand on lines of their own, or are set apart by ";".
func TestMethodLines(t *testing.T) {
	want := "method m\n  trap=old; head=int3; tail; head=new\n"
	for _, text := range []string{
		want, "method m\ntrap=old\nhead=int3\ntail\nhead=new\n",
		"method m trap=old # as before\nhead=int3; tail;\n\n head=new",
	} {
		if m, err := ParseMethod(text); err != nil || m.String() != want {
			t.Errorf("%q: %v, %v", text, m, err)
		}
	}
}

// TestComplete: a method must leave the whole new instruction.
func TestComplete(t *testing.T) {
	for _, c := range []struct {
		steps []MicroStep
		want  bool
	}{
		{steps("all"), true},
		{steps("bytes", "sync"), true},
		{steps("tail", "head=new"), true},
		{steps("head=int3", "sync", "tail"), false},
		{steps("head=new"), false},
		{[]MicroStep{{Off: 3}, {Len: 2}}, false},
		{[]MicroStep{{Off: 3}, {Len: 1}, {Off: 1, Len: 2}}, true},
		{[]MicroStep{{From: FromOld}}, false},
	} {
		if got := (Method{Steps: c.steps}).complete(); got != c.want {
			t.Errorf("%v: %v", c.steps, got)
		}
	}
}
