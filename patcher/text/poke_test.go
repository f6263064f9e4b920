//go:build linux && amd64

package text

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
)

// methods returns the built-in methods and those of the mutants.
func methods(t testing.TB) []protocol.Method {
	t.Helper()
	out := protocol.Methods()
	for _, m := range protocol.Zoo() {
		s, err := m.Apply(protocol.DefaultSubject())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range m.Edits {
			if e.Of == protocol.OfMethod {
				s.Method.Name = m.Name
				out = append(out, s.Method)
			}
		}
	}
	return append(out, method(t, "method old\n trap=old; head=int3; sync; tail; sync; head=new; sync"))
}

func method(t testing.TB, text string) protocol.Method {
	t.Helper()
	m, err := protocol.ParseMethod(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// around is what stands before and after a slot: a poke must leave it alone.
var around = []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// place writes a slot at off, with its surroundings.
func place(a *exec.Arena, off exec.Off, i Insn) {
	a.Write(off-8, around)
	a.Write(off, i[:])
	a.Write(off+Size, around)
}

// checkPlace expects the instruction at off, and its surroundings untouched.
func checkPlace(t *testing.T, a *exec.Arena, off exec.Off, want Insn) {
	t.Helper()
	if got := Insn(a.Read(off, Size)); got != want {
		t.Errorf("at %#x: %v, want %v", off, got, want)
	}
	if got := a.Read(off-8, 8); !bytes.Equal(got, around[:8]) {
		t.Errorf("before %#x: % x", off, got)
	}
	if got := a.Read(off+Size, len(around)); !bytes.Equal(got, around) {
		t.Errorf("after %#x: % x", off, got)
	}
}

func TestMethodsLeaveTheInstruction(t *testing.T) {
	a := newArena(t, 1<<20)
	const page = 4096
	for _, m := range methods(t) {
		for _, off := range []exec.Off{page, page + 3, page + 29, page + 59, page + 60, 2*page - 3} {
			if m.Aligned() && !FitsWord(off) {
				continue
			}
			t.Run(fmt.Sprintf("%s at %#x", m.Name, off), func(t *testing.T) {
				p := New(a, m)
				forth, back := Jump(off, 0xedcba), Jump(off, 0x21)
				place(a, off, Nop)
				old := Nop
				for _, next := range []Insn{forth, back, forth, Nop, back, Nop} {
					changed, err := p.Poke(off, old, next)
					if err != nil || !changed {
						t.Fatalf("%v to %v: changed %v, %v", old, next, changed, err)
					}
					checkPlace(t, a, off, next)
					old = next
				}
			})
		}
	}
}

func TestNothingToDo(t *testing.T) {
	a := newArena(t, 1<<16)
	for _, m := range methods(t) {
		p := New(a, m)
		p.Between = func() { t.Errorf("%s: a step was taken though there was nothing to do", m.Name) }
		for _, i := range []Insn{Nop, Jump(64, 1000)} {
			place(a, 64, i)
			if changed, err := p.Poke(64, i, i); changed || err != nil {
				t.Errorf("%s, %v to itself: changed %v, %v", m.Name, i, changed, err)
			}
			checkPlace(t, a, 64, i)
		}
	}
}

func TestMismatch(t *testing.T) {
	a := newArena(t, 1<<16)
	jump := Jump(64, 1000)
	for _, m := range methods(t) {
		p := New(a, m)
		p.Between = func() { t.Errorf("%s: a step was taken on unexpected bytes", m.Name) }
		for _, c := range []struct{ found, old, next Insn }{
			// What is to be written stands there already: the caller is wrong about the slot.
			{Nop, jump, Nop},
			{jump, Nop, Jump(64, 2000)},
			{Insn{0xcc, 0xcc, 0xcc, 0xcc, 0xcc}, Nop, jump},
			// Only the last byte differs, or the first, where there is nothing to do.
			{Insn{0x0f, 0x1f, 0x44, 0x00, 0x01}, Nop, jump},
			{Insn{0xcc, 0x1f, 0x44, 0x00, 0x00}, Nop, Nop},
		} {
			place(a, 64, c.found)
			changed, err := p.Poke(64, c.old, c.next)
			var mm *MismatchError
			if changed || !errors.As(err, &mm) || *mm != (MismatchError{64, c.old, c.found}) {
				t.Errorf("%s: %v found, %v expected: changed %v, %v",
					m.Name, c.found, c.old, changed, err)
			}
			checkPlace(t, a, 64, c.found)
		}
		exec.BeginPoke(0, 0) // would hang if a refused poke had kept the mutex
		exec.EndPoke()
	}
}

func TestWordNeedsAlignment(t *testing.T) {
	a := newArena(t, 1<<16)
	p := New(a, protocol.Methods()[1])
	for off := exec.Off(64); off < 128; off++ {
		place(a, off, Nop)
		changed, err := p.Poke(off, Nop, Jump(off, 0))
		if FitsWord(off) {
			if !changed || err != nil {
				t.Errorf("at %d: changed %v, %v", off, changed, err)
			}
			continue
		}
		var ae *AlignmentError
		if changed || !errors.As(err, &ae) || ae.Off != off {
			t.Errorf("at %d: changed %v, %v", off, changed, err)
		}
		checkPlace(t, a, off, Nop)
	}
	exec.BeginPoke(0, 0)
	exec.EndPoke()
}

// TestStepsAreTheMethods looks at the slot after every sync but a last one: a thread can fetch
// what the method says, and nothing else.
func TestStepsAreTheMethods(t *testing.T) {
	a := newArena(t, 1<<16)
	const off = 67
	old, next := Jump(off, 0xabcd), Jump(off, 3)
	mix := func(head byte, tail Insn) Insn { tail[0] = head; return tail }
	for _, c := range []struct {
		method string
		want   []Insn
	}{
		{"head=int3; sync; tail; sync; head=new; sync",
			[]Insn{mix(exec.Int3, old), mix(exec.Int3, next)}},
		{"head=int3; tail; head=new", nil},
		{"head=int3; tail; sync; head=new", []Insn{mix(exec.Int3, next)}},
		{"tail; sync; head=new", []Insn{mix(old[0], next)}},
		{"head=new; sync; tail; sync", []Insn{mix(next[0], old)}},
		{"sync; all; sync", []Insn{old}},
		{"sync; bytes; sync; sync", []Insn{old, next}},
		{"head=int3; sync; all; sync; head=int3; sync; head=new",
			[]Insn{mix(exec.Int3, old), next, mix(exec.Int3, next)}},
		// More stores than one sequence has room for, and the last one counts.
		{"bytes; bytes; head=int3; sync; bytes", []Insn{mix(exec.Int3, next)}},
	} {
		p := New(a, method(t, "method m\n"+c.method))
		var got []Insn
		p.Between = func() { got = append(got, Insn(a.Read(off, Size))) }
		place(a, off, old)
		if _, err := p.Poke(off, old, next); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s\nshows %v\nwant  %v", c.method, got, c.want)
		}
		checkPlace(t, a, off, next)
	}
}

// TestWordsOfASequence: a store of a word keeps what earlier stores of its sequence have written there,
// of one byte or of a word. The grammar has no words for such steps.
func TestWordsOfASequence(t *testing.T) {
	a := newArena(t, 1<<16)
	const off = 67
	old, next := Jump(off, 0xabcd), Jump(off, 3)
	trapped := next
	trapped[0] = exec.Int3
	m := protocol.Method{Name: "m", Steps: []protocol.MicroStep{
		{Len: 1, From: protocol.FromTrap}, {Off: 1, Single: true}, {Len: 2, From: protocol.FromTrap, Single: true}, {Off: 1, Single: true},
		{Sync: true}, {Len: 1}, {Sync: true},
	}}
	p := New(a, m)
	p.Between = func() {
		if got := Insn(a.Read(off, Size)); got != trapped {
			t.Errorf("%v behind the first sync, want %v", got, trapped)
		}
	}
	place(a, off, old)
	if _, err := p.Poke(off, old, next); err != nil {
		t.Fatal(err)
	}
	checkPlace(t, a, off, next)
}

// TestWordOfEarlierStores: a word is stored with what earlier stores leave in it, and with nothing of
// theirs that lies in the next word.
func TestWordOfEarlierStores(t *testing.T) {
	a := newArena(t, 4096)
	a.Write(0, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	p := New(a, protocol.Methods()[0])
	earlier := []exec.Store{{Off: 7, Width: 1, Value: 0x77}, {Off: 8, Width: 1, Value: 0x88}}
	want := exec.Store{Off: 0, Width: 8, Value: 0x7707060504030b0a}
	if got := p.wordStore(earlier, 0, []byte{0x0a, 0x0b}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
