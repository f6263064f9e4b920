package model

import (
	"testing"

	"tailpoke/patcher/protocol"
)

// TestLargestShape: the largest shape fits into the fields of a state.
func TestLargestShape(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Shape = protocol.Shape{Sites: maxSites, Programs: maxPrograms, Keys: maxKeys}
	r := check(t, s, Options{Threads: maxThreads, MaxStates: 50_000})
	if r.Verdict != protocol.Bounded {
		t.Errorf("found %s %s\n%v", r.Verdict, r.Property, r.Witness)
	}
}

// TestFieldsAreDisjoint: no two fields of a word share a bit.
func TestFieldsAreDisjoint(t *testing.T) {
	type many struct {
		f field
		n int
	}
	for _, word := range [][]many{
		{
			{opField, 1}, {keyField, 1}, {givenField, 1}, {oldField, 1}, {actionField, 1}, {microField, 1},
			{lastField, 1}, {waitField, 1}, {heldField, maxKeys}, {statusField, maxPrograms}, {lookField, 1},
		},
		{
			{pointerField, maxKeys}, {placedField, maxCopies}, {trackedField, maxCopies}, {openField, maxCopies},
			{stableField, maxSites}, {readField, maxSites}, {listedField, maxPrograms},
		},
		{
			{placeField, 1}, {siteField, 1}, {progField, 1}, {waitedField, 1}, {retiredField, maxPrograms},
			{mustField, maxKeys}, {freshField, maxKeys}, {waited1Field, 1}, {waited2Field, 1}, {hiddenField, 1}, {homeField, 1},
		},
	} {
		used := uint64(0)
		for _, m := range word {
			for i := range m.n {
				f := m.f.at(i)
				bits := f.put(0, f.mask())
				if bits == 0 || used&bits != 0 || f.of(bits) != f.mask() {
					t.Errorf("field %#x at %d overlaps or is cut off", m.f, i)
				}
				used |= bits
			}
		}
	}
}

// TestPoking: a trap is answered by the poke of its own slot alone, and only from the
// poke's first micro-step on.
func TestPoking(t *testing.T) {
	s := protocol.DefaultSubject()
	s.Shape = protocol.Shape{Sites: 3, Programs: 1, Keys: 2}
	sys, err := newSystem(s, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	const key, poked = 0, 2 // sites 0 and 2 look up key 0
	for i, a := range sys.actions[protocol.Install][key] {
		if a.Kind != protocol.Poke || a.site != poked {
			continue
		}
		for _, micro := range []uint64{0, 1, 5} {
			x := sys.initial()
			x[0] = opField.put(x[0], 1+uint64(protocol.Install))
			x[0] = actionField.put(x[0], uint64(i))
			x[0] = microField.put(x[0], micro)
			for site := range s.Shape.Sites {
				for _, slot := range []protocol.Slot{protocol.Bypass, protocol.Target} {
					_, found := sys.poking(&x, site, slot)
					got := found != nil
					if want := site == poked && slot == a.Slot && micro > 0; got != want {
						t.Errorf("micro-step %d of the %v of site %d: site %d %v is being poked: %t",
							micro, a.Slot, poked, site, slot, got)
					}
				}
			}
		}
	}
}
