package protocol

import "pgregory.net/rapid"

// Generators of values that a parser may return. What they make is valid by
// construction, so that a round trip that fails is the fault of the printer or the
// parser.

func genName() *rapid.Generator[string] {
	// Keywords are names like others.
	return rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9_.\-]{1,12}`),
		rapid.SampledFrom([]string{"install", "each", "wait", "protocol", "method", "nop"}))
}

func genProtocol() *rapid.Generator[Protocol] {
	return rapid.Custom(func(t *rapid.T) Protocol {
		p := Protocol{Name: genName().Draw(t, "name")}
		if rapid.Bool().Draw(t, "own readers") {
			p.Readers = genReaders().Draw(t, "readers")
		}
		for op := range OpKinds {
			p.Ops[op] = genSteps(OpKind(op), false).Draw(t, OpKind(op).String())
		}
		if rapid.Bool().Draw(t, "own load") {
			p.Load = genSteps(opLoad, false).Draw(t, "load")
		}
		if rapid.Bool().Draw(t, "own unload") {
			p.Unload = genSteps(opUnload, false).Draw(t, "unload")
		}
		p.Mutex = rapid.SampledFrom([]Mutex{MutexMap, MutexKey, MutexNone}).Draw(t, "mutex")
		return p
	})
}

// genPeriod makes a grace period, from the first one that may be.
func genPeriod(from Period) *rapid.Generator[Period] {
	return rapid.Map(rapid.IntRange(int(from), Periods-1), func(n int) Period { return Period(n) })
}

func genReaders() *rapid.Generator[[]Reader] {
	return rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Reader {
		return Reader{
			Name:   genName().Draw(t, "name"),
			Graces: rapid.SliceOfNDistinct(genPeriod(Epoch), 1, Periods-1, rapid.ID).Draw(t, "graces"),
		}
	}), 1, MaxReaders, func(r Reader) string { return r.Name })
}

func genSteps(op OpKind, inEach bool) *rapid.Generator[[]Step] {
	return rapid.Custom(func(t *rapid.T) []Step {
		steps := make([]Step, rapid.IntRange(0, 6).Draw(t, "n"))
		for i := range steps {
			if inEach {
				steps[i] = genDescStep(op).Draw(t, "step")
			} else {
				steps[i] = genMapStep(op).Draw(t, "step")
			}
		}
		return steps
	})
}

// genMapStep makes a step that stands outside each.
func genMapStep(op OpKind) *rapid.Generator[Step] {
	return rapid.Custom(func(t *rapid.T) Step {
		kinds := []StepKind{Publish, Each, Wait}
		switch {
		case op == opLoad:
			kinds = []StepKind{Track, Each, Wait, Open}
		case op == opUnload:
			kinds = []StepKind{Wait, Untrack, Free}
		case op.Replaces():
			kinds = append(kinds, Retire, Free)
		}
		s := Step{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
		if s.Kind == Wait || s.Kind == Retire {
			s.Grace = genPeriod(OwnPeriod).Draw(t, "grace")
		}
		s.IfChanged = s.Kind == Wait && op != opUnload && rapid.Bool().Draw(t, "if changed")
		if s.Kind == Each {
			s.Body = genSteps(op, true).Draw(t, "body")
		}
		return s
	})
}

// genDescStep makes a step that stands inside each.
func genDescStep(op OpKind) *rapid.Generator[Step] {
	return rapid.Custom(func(t *rapid.T) Step {
		all := []Step{
			{Kind: Wait, Grace: genPeriod(OwnPeriod).Draw(t, "grace"), IfChanged: rapid.Bool().Draw(t, "if")},
			{Kind: Poke, Slot: Bypass, To: Nop},
			{Kind: Poke, Slot: Bypass, To: Jump},
			{Kind: Poke, Slot: Target, To: Nop},
		}
		if op.Gives() {
			all = append(all, Step{Kind: Poke, Slot: Target, To: Jump})
		}
		if op == opLoad {
			all = append(all, Step{Kind: Read}, Step{Kind: Stable})
		}
		return rapid.SampledFrom(all).Draw(t, "step")
	})
}

func genMethod() *rapid.Generator[Method] {
	return rapid.Custom(func(t *rapid.T) Method {
		m := Method{
			Name: genName().Draw(t, "name"),
			Trap: rapid.SampledFrom([]TrapAnswer{TrapNew, TrapOld, TrapRetry}).Draw(t, "trap"),
		}
		kind := rapid.SampledFrom(steps("head=int3", "tail", "head=new", "all", "bytes", "sync"))
		m.Steps = rapid.SliceOfN(kind, 0, 12).Draw(t, "steps")
		m.Steps = append(m.Steps, rapid.SampledFrom(steps("all", "bytes")).Draw(t, "whole"))
		return m
	})
}

func genScript() *rapid.Generator[Script] {
	return rapid.Custom(func(t *rapid.T) Script {
		s := make(Script, rapid.IntRange(0, 20).Draw(t, "n"))
		index := rapid.IntRange(0, maxIndex-1)
		for i := range s {
			s[i].Kind = rapid.SampledFrom([]CallKind{Put, Delete, Load, Unload}).Draw(t, "kind")
			if s[i].Kind == Put || s[i].Kind == Delete {
				s[i].Key = index.Draw(t, "key")
			}
			if s[i].Kind == Put {
				s[i].Prog = index.Draw(t, "prog")
			}
		}
		return s
	})
}

// steps are the steps that the method grammar calls by these words.
func steps(words ...string) []MicroStep {
	out := make([]MicroStep, len(words))
	for i, w := range words {
		var ok bool
		if out[i], ok = MicroStepByWord(w); !ok {
			panic("no step " + w)
		}
	}
	return out
}
