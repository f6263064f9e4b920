package model

import (
	"testing"

	"tailpoke/patcher/protocol"
)

// TestMaps: keys of one map exclude each other, keys of different maps do not, to the last
// state: one map is what there was without any, and a map for each key is a mutex for each.
func TestMaps(t *testing.T) {
	for _, s := range everySubject(t) {
		s.Shape = protocol.Shape{Sites: 2, Programs: 1, Keys: 2}
		s.Method = shortened(s.Method)
		for _, c := range []struct {
			maps int
			as   protocol.Mutex
		}{{1, protocol.MutexMap}, {2, protocol.MutexKey}} {
			want := check(t, mutators(s, c.as), Options{})
			several := mutators(s, protocol.MutexMap)
			several.Shape.Maps = c.maps
			got := check(t, several, Options{})
			if answerOf(got) != answerOf(want) || got.States != want.States || got.Transitions != want.Transitions {
				t.Errorf("%s, %d maps: found %v, %d states; with mutex %v %v, %d",
					nameOf(s), c.maps, answerOf(got), got.States, c.as, answerOf(want), want.States)
			}
		}
	}
}

// TestMapsTogether: with three keys in two maps, which pairs of keys have operations at a
// time, and that pokes exclude each other all the same.
func TestMapsTogether(t *testing.T) {
	s := mutators(protocol.DefaultSubject(), protocol.MutexMap)
	s.Method = protocol.Methods()[1]
	s.Shape = protocol.Shape{Sites: 3, Programs: 1, Keys: 3, Mutators: 2, Maps: 2}
	e := explored(t, s, 1)
	met := map[[2]uint64]bool{}
	for i := range e.shards {
		for j := range e.shards[i].len() {
			x := e.shards[i].key(uint32(j))
			a, b := x[0], x[e.sys.agents[1].word]
			if opField.of(a) == 0 || opField.of(b) == 0 {
				continue
			}
			met[[2]uint64{keyField.of(a), keyField.of(b)}] = true
			if microField.of(a) != 0 && microField.of(b) != 0 {
				t.Fatal("two pokes at a time")
			}
		}
	}
	for a := range uint64(3) {
		for b := range uint64(3) {
			if want := a%2 != b%2; met[[2]uint64{a, b}] != want {
				t.Errorf("operations on keys %d and %d at a time: %t", a, b, !want)
			}
		}
	}
}

// TestCutoffOfMaps: one thread stands for two.
func TestCutoffOfMaps(t *testing.T) {
	for _, s := range everySubject(t) {
		s.Shape = protocol.Shape{Sites: 2, Programs: 1, Keys: 2, Mutators: 2, Maps: 2}
		s.Method = shortened(s.Method)
		sameAnswer(t, s, 2, true)
	}
}
