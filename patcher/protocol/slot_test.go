package protocol

import "testing"

func TestStateOf(t *testing.T) {
	for _, c := range []struct {
		bypass, target Content
		want           State
	}{
		{Nop, Nop, StateA}, {Nop, Jump, StateB}, {Jump, Nop, StateC}, {Jump, Jump, StateD},
	} {
		if got := StateOf(c.bypass, c.target); got != c.want {
			t.Errorf("bypass %v, target %v: state %v, want %v", c.bypass, c.target, got, c.want)
		}
	}
	if s := StateA.String() + StateB.String() + StateC.String() + StateD.String(); s != "ABCD" {
		t.Errorf("the states print as %s", s)
	}
}

func TestEventString(t *testing.T) {
	for want, e := range map[string]Event{
		"install key 3: called":                                  {Kind: Called, Op: Install, Key: 3, Desc: NoDesc},
		"remove key 0: returned":                                 {Kind: Returned, Op: Remove, Desc: NoDesc},
		"update key 1: published":                                {Kind: Published, Op: Update, Key: 1, Desc: NoDesc},
		"update key 1: poked site 2 target=jump":                 {Kind: Poked, Op: Update, Key: 1, Desc: 2, Slot: Target, To: Jump, Changed: true},
		"remove key 0: poked site 0 bypass=jump (nothing to do)": {Kind: Poked, Op: Remove, Slot: Bypass, To: Jump},
		"install key 0: poked site 0 bypass=nop":                 {Kind: Poked, Op: Install, Slot: Bypass, To: Nop, Changed: true},
		"remove key 0: waited":                                   {Kind: Waited, Op: Remove},
		"remove key 0: wait-skipped":                             {Kind: WaitSkipped, Op: Remove},
		"remove key 0: retired":                                  {Kind: Retired, Op: Remove, Desc: NoDesc},
		"update key 9: freed":                                    {Kind: Freed, Op: Update, Key: 9, Desc: NoDesc},
	} {
		if got := e.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestOps(t *testing.T) {
	for op, want := range map[OpKind][2]bool{
		Install: {true, false}, Update: {true, true}, Remove: {false, true},
	} {
		if got := [2]bool{op.Gives(), op.Replaces()}; got != want {
			t.Errorf("%v gives, replaces: %v, want %v", op, got, want)
		}
	}
}

func TestAligned(t *testing.T) {
	for _, m := range Methods() {
		if got, want := m.Aligned(), m.Name == "word"; got != want {
			t.Errorf("%s needs aligned slots: %v", m.Name, got)
		}
	}
}
