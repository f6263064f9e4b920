package model

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
)

// deepComparisons lists what TestSpinZoo explores where programs have sites: the built-in
// protocols and the mutants of such programs, in shapes of each kind, and subjects drawn at
// random. The mutants in the shape that they ask for are among shapedComparisons.
func deepComparisons(t *testing.T) []comparison {
	t.Helper()
	var out []comparison
	add := func(s protocol.Subject, threads int, shape protocol.Shape) {
		s.Shape, s.Shape.Deep = shape, true
		out = append(out, comparison{s, threads})
	}
	list := builtin()
	for _, name := range []string{"late-forget", "never-forget", "deep-batched", "deep-lazy"} {
		s := needy(t, name)
		s.Method = protocol.Methods()[1]
		list = append(list, s)
	}
	for _, s := range list {
		add(s, 1, protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Nested: true})
		if s.Grace.Kind != protocol.GraceEpoch {
			continue
		}
		add(s, 1, protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Same: true})
		if s.Method.Name != "word" {
			continue
		}
		add(s, 2, protocol.Shape{Sites: 1, Programs: 1, Keys: 1})
		add(s, 1, protocol.Shape{Sites: 2, Programs: 2, Keys: 1, Nested: true})
		add(s, 1, protocol.Shape{Sites: 2, Programs: 1, Keys: 2, Nested: true, Indirect: true})
		add(s, 1, protocol.Shape{Sites: 1, Programs: 2, Keys: 2, Indirect: true})
		add(s, 1, protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Mutators: 2})
		add(s, 1, protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Nested: true, Copies: 1})
	}
	drawn := rapid.Custom(drawDeep)
	for i := range 20 {
		s := drawn.Example(i)
		s.Protocol.Name = fmt.Sprintf("drawn-deep-%d", i)
		out = append(out, comparison{s, 1})
	}
	return out
}

// drawDeep draws a subject with programs that have sites, and when the list forgets them.
func drawDeep(t *rapid.T) protocol.Subject {
	s := drawAny(t)
	graces := append(protocol.Graces(), protocol.ModelGraces()...)
	s.Grace = rapid.SampledFrom(graces).Draw(t, "flavour")
	s = kindless(s)
	s.Shape.Deep = true
	s.Shape.Copies = rapid.IntRange(0, 1).Draw(t, "copies")
	if s.Shape.Copies > 0 {
		s.Shape.Sites, s.Shape.Programs = 1, 1
	}
	unload := rapid.SampledFrom(unloadOrders).Draw(t, "unload")
	e := protocol.Edit{Of: protocol.OfUnload, Do: protocol.Rewrite, With: unload}
	s, err := e.Apply(s)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
