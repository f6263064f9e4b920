package model

import (
	"errors"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

func TestUnexplored(t *testing.T) {
	for want, r := range map[string]Reached{
		"no installs were explored": {Updates: 1, Removes: 1},
		"no updates were explored":  {Installs: 1, Removes: 1},
		"no removes were explored":  {Installs: 1, Updates: 1},
		"":                          {Installs: 1, Updates: 1, Removes: 1},
	} {
		if got := r.Unexplored(); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}

// TestStopped is told to stop while it explores, and while it judges progress.
func TestStopped(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Method = protocol.Methods()[1]
	whole := check(t, s, Options{})
	asked := 0
	for stopAt := range 4 {
		asked = 0
		r := check(t, s, Options{Progress: true, Workers: 1, Stop: func(Far) bool { asked++; return asked > stopAt }})
		if r.Verdict != protocol.Bounded || r.Property != "" || r.Witness != nil {
			t.Errorf("stopped at question %d: %s %s", stopAt+1, r.Verdict, r.Property)
		}
	}
	r := check(t, s, Options{Progress: true, Workers: 1, Stop: func(Far) bool { asked++; return false }})
	if r.Verdict != protocol.Proved || r.States != whole.States || asked == 0 {
		t.Errorf("%s, %d states of %d, asked %d times", r.Verdict, r.States, whole.States, asked)
	}
	explored := asked
	asked = 0
	check(t, s, Options{Workers: 1, Stop: func(Far) bool { asked++; return false }})
	r = check(t, s, Options{Progress: true, Workers: 1, Stop: func() func(Far) bool {
		n := 0
		return func(Far) bool { n++; return n > asked }
	}()})
	if r.Verdict != protocol.Bounded || r.States != whole.States {
		t.Errorf("stopped after the exploration, which asks %d times of %d: %s, %d states", asked, explored, r.Verdict, r.States)
	}
}

// TestOptionsOutOfRange has bounds of which none is possible, and the greatest that are.
func TestOptionsOutOfRange(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Method = protocol.Methods()[1]
	for _, o := range []Options{{Threads: -1}, {MaxStates: -1}, {MaxStates: 1 << 31}, {Workers: -1}} {
		if r, err := Check(s, o); err == nil || o.Threads == 0 && !strings.HasPrefix(err.Error(), "model: options out of range") {
			t.Errorf("%+v: %v, %v", o, r, err)
		}
	}
	if r := check(t, s, Options{MaxStates: 1<<31 - 1, Workers: 1}); r.Verdict != protocol.Proved {
		t.Errorf("found %s", r.Verdict)
	}
	if _, err := Check(s, Options{Only: "taste"}); err == nil || err.Error() != `model: does not judge the property "taste"` {
		t.Errorf("error %v", err)
	}
	if r := check(t, s, Options{MaxStates: 10, Workers: 1}); r.Verdict != protocol.Bounded || r.States < 10 {
		t.Errorf("%s after %d states", r.Verdict, r.States)
	}
}

// TestManyAllowed: of what the model would have allowed, six are spelled out.
func TestManyAllowed(t *testing.T) {
	for n, want := range map[int]string{
		0: "the model allows nothing",
		2: "the model allows x; or x",
		6: "the model allows x; or x; or x; or x; or x; or x",
		7: "the model allows x; or x; or x; or x; or x; or x; or 1 more",
		9: "the model allows x; or x; or x; or x; or x; or x; or 3 more",
	} {
		m := &Mismatch{Item: protocol.Item{Kind: protocol.Has, Least: 1, Most: 1}, Allowed: strings.Split(strings.Repeat("x", n), "")}
		if got := m.String(); got != "item 1: key 0 has 1 site: "+want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

// TestSitesWithoutRoom has accounts of sites that a state has no room for.
func TestSitesWithoutRoom(t *testing.T) {
	site := func(edit func(s *protocol.Site)) protocol.Site {
		s := protocol.DefaultSubject().Protocol.Site()
		s.Slots = append([]protocol.SlotKind(nil), s.Slots...)
		for i := range s.Slots {
			s.Slots[i].May = append(s.Slots[i].May[:0:0], s.Slots[i].May...)
		}
		edit(&s)
		return s
	}
	if err := new(system).fitsSite(site(func(*protocol.Site) {})); err != nil {
		t.Error(err)
	}
	for _, edit := range []func(s *protocol.Site){
		func(s *protocol.Site) { s.Slots = s.Slots[:1] },
		func(s *protocol.Site) { s.Slots = append(s.Slots, s.Slots[0]) },
		func(s *protocol.Site) { s.Slots[1].Size++ },
		func(s *protocol.Site) { s.Slots[0], s.Slots[1] = s.Slots[1], s.Slots[0] },
		func(s *protocol.Site) { s.Slots[0].May = s.Slots[0].May[:1] },
		func(s *protocol.Site) {
			s.Forbidden = append(s.Forbidden[:0:0], protocol.Path{Through: []protocol.Content{protocol.Jump}, Breaks: protocol.Registers})
		},
	} {
		if err := new(system).fitsSite(site(edit)); !errors.Is(err, ErrUnsupported) {
			t.Errorf("error %v", err)
		}
	}
}

// TestMethodsWithoutRoom: of a slot the model knows the first byte, and all others together.
func TestMethodsWithoutRoom(t *testing.T) {
	store := func(off, n uint8, from protocol.Source, single bool) protocol.MicroStep {
		return protocol.MicroStep{Off: off, Len: n, From: from, Single: single}
	}
	for _, tt := range []struct {
		step protocol.MicroStep
		does []microDo
		want string
	}{
		{protocol.MicroStep{Sync: true}, []microDo{syncs}, ""},
		{store(0, 1, protocol.FromTrap, true), []microDo{writesHead}, ""},
		{store(0, 1, protocol.FromNew, true), []microDo{writesHead}, ""},
		{store(1, 4, protocol.FromNew, false), []microDo{writesTail}, ""},
		{store(0, 5, protocol.FromNew, true), []microDo{writesAll}, ""},
		{store(0, 5, protocol.FromNew, false), []microDo{writesHead, writesTail}, ""},
		{store(0, 2, protocol.FromTrap, true), nil, "a store of more than one trap byte"},
		{store(0, 5, protocol.FromTrap, true), nil, "a store of more than one trap byte"},
		{store(1, 4, protocol.FromNew, true), nil, "a store of bytes 1 to 4"},
		{store(1, 3, protocol.FromNew, false), nil, "a store of bytes 1 to 3"},
		{store(2, 3, protocol.FromNew, false), nil, "a store of bytes 2 to 4"},
		{store(0, 2, protocol.FromNew, false), nil, "a store of bytes 0 to 1"},
	} {
		out, err := microsOf(protocol.Method{Steps: []protocol.MicroStep{tt.step}}, 5)
		if (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, ErrUnsupported) || !strings.HasSuffix(err.Error(), ": "+tt.want)) {
			t.Errorf("%+v: %v, want %s", tt.step, err, tt.want)
		}
		if len(out) != len(tt.does) {
			t.Errorf("%+v: %d steps", tt.step, len(out))
			continue
		}
		for i, m := range out {
			if m.does != tt.does[i] || m.from != tt.step.From {
				t.Errorf("%+v: step %d is %+v", tt.step, i, m)
			}
		}
	}
}
