package protocol

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestWithNop: another nop stands where a thread goes on, and nowhere else, in a site of its own.
func TestWithNop(t *testing.T) {
	old := []byte("\x66\x66\x66\x66\x90")
	usual := TailCall()
	s := usual.WithNop(old)
	if in := usual.Slots[Target].May[Nop]; bytes.Equal(in.Code, old) {
		t.Errorf("the site that it was made of: %+v", in)
	}
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	for n, usual := range TailCall().Slots {
		for c, in := range usual.May {
			want := in
			if Content(c) == Nop {
				want.Code = old
			}
			if got := s.Slots[n].May[c]; !bytes.Equal(got.Code, want.Code) || got.Leads != want.Leads {
				t.Errorf("slot %d, %s: %+v", n, in.Name, got)
			}
		}
	}
	if in := TailCall().Slots[Target].May[Nop]; bytes.Equal(in.Code, old) {
		t.Errorf("the tail call itself: %+v", in)
	}
}

// TestTailCall holds the account of the tail call against what the kernel writes, given here by
// hand (kernel: emit_bpf_tail_call_direct).
func TestTailCall(t *testing.T) {
	s := TailCall()
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	const at, to = 0x1000, 0x1234
	for _, c := range []struct {
		slot    Slot
		content Content
		code    string
		leads   Leads
		breaks  Property
	}{
		{Bypass, Nop, "\x0f\x1f\x44\x00\x00", ToNext, ""},
		{Bypass, Jump, "\xe9\x2f\x02\x00\x00", ToOut, ""},
		{Target, Nop, "\x0f\x1f\x44\x00\x00", ToNext, NeverA},
		{Target, Jump, "\xe9\x2f\x02\x00\x00", ToProgram, ""},
	} {
		in := s.Slots[c.slot].May[c.content]
		if got := string(in.At([]byte("x"), at, to)); got != "x"+c.code {
			t.Errorf("%v=%v is % x, want % x", c.slot, c.content, got[1:], c.code)
		}
		if in.Leads != c.leads || s.Breaks(c.slot, c.content) != c.breaks {
			t.Errorf("%v=%v leads to %d and breaks %q",
				c.slot, c.content, in.Leads, s.Breaks(c.slot, c.content))
		}
	}
	if got := s.StateOf(s.Empty...); got != StateC {
		t.Errorf("an empty site is in state %v", got)
	}
}

// TestBadSites: an account that engines could not follow is refused.
func TestBadSites(t *testing.T) {
	for want, spoil := range map[string]func(*Site){
		"slots":                 func(s *Site) { s.Slots = nil },
		"states":                func(s *Site) { s.States = s.States[1:] },
		"bytes":                 func(s *Site) { s.Slots[0].Size = 17 },
		"has 4 bytes of 5":      func(s *Site) { s.Slots[1].May[0].Code = s.Slots[1].May[0].Code[:4] },
		"beyond its end":        func(s *Site) { s.Slots[1].May[1].Disp = 2 },
		"leads nowhere":         func(s *Site) { s.Slots[1].May[1].Disp = 0 },
		"the same byte":         func(s *Site) { s.Slots[1].May[1].Code[0] = 0x0f },
		"the site has 2 slots":  func(s *Site) { s.Forbidden[0].Through = []Content{Nop, Nop, Nop} },
		"reached by other ways": func(s *Site) { s.Forbidden[0].Through = []Content{Jump, Nop} },
	} {
		s := TailCall()
		spoil(&s)
		if err := s.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestOtherSites: an account may have one slot of 2 bytes, or four of 16.
func TestOtherSites(t *testing.T) {
	nop := Instruction{Name: "nop", Code: []byte{0x66, 0x90}, Leads: ToNext}
	label := Site{
		Name: "jump label", Slots: []SlotKind{{Name: "label", Size: 2, May: []Instruction{nop}}},
		Empty: []Content{0}, States: []NamedState{{'N', []Content{0}}},
	}
	if err := label.check(); err != nil {
		t.Error(err)
	}
	wide := SlotKind{Name: "wide", Size: 16, May: []Instruction{
		{Name: "nop", Code: append([]byte{0x90}, make([]byte, 15)...), Leads: ToNext},
		{Name: "call", Code: append([]byte{0xe8}, make([]byte, 15)...), Disp: 1, Leads: ToProgram},
	}}
	four := Site{Name: "wide", Slots: slices.Repeat([]SlotKind{wide}, 4), Empty: make([]Content, 4)}
	for n := range 16 {
		contents := []Content{Content(n & 1), Content(n >> 1 & 1), Content(n >> 2 & 1), Content(n >> 3)}
		four.States = append(four.States, NamedState{State('a' + n), contents})
	}
	four.Forbidden = []Path{{Through: []Content{0, 0, 0, 1}, Breaks: NoMiss}}
	if err := four.check(); err != nil {
		t.Error(err)
	}
	if got := four.Breaks(3, 1); got != NoMiss {
		t.Errorf("the path breaks %q", got)
	}
}

// check says what is wrong with an account. [Site.Breaks] needs more than the fields say.
func (s *Site) check() error {
	if n := len(s.Slots); n < 1 || n > MaxSlots || len(s.Empty) != n {
		return fmt.Errorf("%d slots, %d of them empty: want 1 to %d", n, len(s.Empty), MaxSlots)
	}
	states := 1
	for _, k := range s.Slots {
		if err := k.check(); err != nil {
			return fmt.Errorf("slot %s: %w", k.Name, err)
		}
		states *= len(k.May)
	}
	if len(s.States) != states {
		return fmt.Errorf("%d states of %d combinations have names", len(s.States), states)
	}
	for _, p := range s.Forbidden {
		if len(p.Through) == 0 || len(p.Through) > len(s.Slots) {
			return fmt.Errorf("path %v: the site has %d slots", p.Through, len(s.Slots))
		}
		// A thread that stands at the path's last slot must have come along the path: nothing
		// else remembers how it came.
		for i, c := range p.Through[:len(p.Through)-1] {
			for other, in := range s.Slots[i].May {
				if (in.Leads == ToNext) != (Content(other) == c) {
					return fmt.Errorf("path %v: its end is reached by other ways too", p.Through)
				}
			}
		}
	}
	return nil
}

func (k *SlotKind) check() error {
	if k.Size < 1 || k.Size > MaxSlotSize {
		return fmt.Errorf("%d bytes: want 1 to %d", k.Size, MaxSlotSize)
	}
	for n, i := range k.May {
		switch {
		case len(i.Code) != k.Size:
			return fmt.Errorf("%s has %d bytes of %d", i.Name, len(i.Code), k.Size)
		case i.Disp != 0 && i.Disp+4 > k.Size:
			return fmt.Errorf("%s has a displacement beyond its end", i.Name)
		case (i.Disp == 0) != (i.Leads == ToNext):
			return fmt.Errorf("%s leads nowhere, or has a displacement without need", i.Name)
		}
		for _, j := range k.May[:n] {
			if bytes.HasPrefix(i.Code, j.Code[:1]) {
				return fmt.Errorf("%s and %s begin with the same byte", i.Name, j.Name)
			}
		}
	}
	return nil
}
