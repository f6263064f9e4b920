package model

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/model/promela"
	"tailpoke/patcher/protocol"
)

// shapedComparisons lists what TestSpinZoo explores in shapes that ask for more: the
// built-in subjects, the model's own mutants and grace periods, and subjects drawn at
// random.
func shapedComparisons(t *testing.T) []comparison {
	t.Helper()
	var out []comparison
	add := func(s protocol.Subject, threads int, shape protocol.Shape) {
		s.Shape = shape
		out = append(out, comparison{s, threads})
	}
	for _, s := range builtin() {
		add(s, 1, protocol.Shape{Sites: 1, Programs: 2, Keys: 2, Indirect: true, Same: true})
		add(s, 1, protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Indirect: true, Copies: 1})
		add(s, 1, protocol.Shape{Sites: 2, Programs: 2, Keys: 2, Nested: true, Indirect: true})
		if s.Grace.Kind != protocol.GraceEpoch {
			continue
		}
		add(s, 2, protocol.Shape{Sites: 2, Programs: 1, Keys: 1, Indirect: true})
		add(s, 1, protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Copies: 1, Same: true})
		add(s, 1, protocol.Shape{Sites: 2, Programs: 1, Keys: 1, Copies: 1, Nested: true})
		for _, m := range []protocol.Mutex{protocol.MutexMap, protocol.MutexKey, protocol.MutexNone} {
			s.Protocol.Mutex = m
			add(s, 1, protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Mutators: 2, Indirect: true})
			if s.Method.Name != "word" {
				continue
			}
			add(s, 2, protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Mutators: 2, Same: true})
			add(s, 1, protocol.Shape{Sites: 2, Programs: 1, Keys: 2, Copies: 1})
			add(s, 1, protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Copies: 2})
			add(s, 1, protocol.Shape{Sites: 2, Programs: 1, Keys: 2, Maps: 2, Mutators: 2})
			if m == protocol.MutexNone && s.Protocol.Name != "lazy" {
				continue // millions of states
			}
			add(s, 1, protocol.Shape{Sites: 2, Programs: 2, Keys: 2, Mutators: 2})
			add(s, 1, protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Copies: 1, Mutators: 2})
		}
		s.Protocol.Mutex = protocol.MutexMap
		add(s, 1, protocol.Shape{Sites: 1, Programs: 1, Keys: 3, Maps: 2, Mutators: 2, Copies: 1})
	}
	for _, m := range protocol.ModelZoo() {
		s := needy(t, m.Name)
		out = append(out, comparison{s, 1})
		s.Method = protocol.Methods()[1]
		s.Shape.Programs = 1
		out = append(out, comparison{s, 2})
	}
	for _, g := range protocol.ModelGraces() {
		for _, name := range []string{"no-grace", "lazy-free", "free-after-wait"} {
			s := mutant(t, name)
			s.Grace, s.Method = g, protocol.Methods()[1]
			add(s, 2, protocol.Shape{Sites: 1, Programs: 2, Keys: 1})
			add(s, 1, protocol.Shape{Sites: 1, Programs: 1, Keys: 2, Indirect: true, Same: true})
			add(s, 1, protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Copies: 1})
		}
	}
	drawn := rapid.Custom(drawShaped)
	for i := range 40 {
		s := drawn.Example(i)
		s.Protocol.Name = fmt.Sprintf("drawn-shape-%d", i)
		out = append(out, comparison{s, 1})
	}
	return out
}

// supported leaves out, and says so, what the Promela text cannot say.
func supported(list []comparison) []comparison {
	return slices.DeleteFunc(list, func(c comparison) bool {
		err := promela.Write(io.Discard, c.Subject, c.n)
		_, err2 := newSystem(c.Subject, c.n, false)
		if errors.Is(err, promela.ErrUnsupported) && errors.Is(err2, ErrUnsupported) {
			fmt.Printf("skipped: %s: %v\n", nameOf(c.Subject), err)
			return true
		}
		return false // whichever side has no answer will say so
	})
}

// kindless takes kinds of readers, and names of grace periods, out where the flavour knows none.
func kindless(s protocol.Subject) protocol.Subject {
	if s.Grace.Kind <= protocol.GraceSleep {
		return s
	}
	s.Protocol.Readers = nil
	for _, steps := range s.Protocol.Ops {
		for i := range steps {
			steps[i].Grace = protocol.OwnPeriod
			for j := range steps[i].Body {
				steps[i].Body[j].Grace = protocol.OwnPeriod
			}
		}
	}
	return s
}

// drawShaped draws a subject with loads of a copy, or two mutators, or both.
func drawShaped(t *rapid.T) protocol.Subject {
	s := drawSubject(t)
	s.Protocol.Load, s.Protocol.Unload = drawLife(t)
	s.Protocol.Mutex = rapid.SampledFrom([]protocol.Mutex{
		protocol.MutexMap, protocol.MutexKey, protocol.MutexNone}).Draw(t, "mutex")
	graces := append(protocol.Graces(), protocol.ModelGraces()...)
	s.Grace = rapid.SampledFrom(graces).Draw(t, "flavour")
	s = kindless(s)
	s.Shape.Programs = 1
	s.Shape.Copies = rapid.IntRange(0, 1).Draw(t, "copies")
	s.Shape.Mutators = 2 - rapid.IntRange(0, s.Shape.Copies).Draw(t, "mutators")
	if s.Shape.Copies > 0 && s.Shape.Mutators > 1 {
		s.Shape.Sites = 1
	}
	return s
}
