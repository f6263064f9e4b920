package model

import (
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
)

// What the reference knows of several agents: the mutex, the exchange of the pointer
// where it is missing, and the loader.

// locked: another agent has the mutex that guards a key.
func (r *reference) locked(s refState, key int) bool {
	if r.Protocol.Mutex == protocol.MutexNone {
		return false
	}
	for i, a := range s.agent {
		if i == r.me || !a.busy {
			continue
		}
		k := a.key
		if i == refLoader {
			if !a.holds {
				continue
			}
			k = r.keyOf(r.sites(a)[r.actions(a)[a.action].Desc])
		}
		sameMap := r.Shape.Maps == 0 || (k-key)%r.Shape.Maps == 0
		if k == key || r.Protocol.Mutex == protocol.MutexMap && sameMap {
			return true
		}
	}
	return false
}

// passedBy: operations do not poke the site.
func (r *reference) passedBy(s refState, site int) bool {
	if site >= r.deepSites() {
		return !s.listed[r.programAt(site)]
	}
	return site >= r.Shape.Sites && !(s.tracked && s.stable[site-r.Shape.Sites])
}

// publish finds out, where nothing keeps other mutators away, what the operation really
// replaces; it becomes another one if the exchange is the first thing that both do.
func (r *reference) publish(s refState) {
	a := &s.agent[r.me]
	if r.Shape.Mutators > 1 && r.Protocol.Mutex == protocol.MutexNone {
		a.old = s.ptr[a.key]
		as := *a
		switch {
		case a.given == 0:
			as.op = "remove"
		case a.old == 0:
			as.op = "install"
		default:
			as.op = "update"
		}
		if acts := r.actions(as); a.action == 0 && len(acts) > 0 && acts[0].Kind == protocol.Publish {
			a.op = as.op
		}
	}
	s.ptr[a.key] = a.given
	if r.apart() {
		s.stale[a.key] = a.given
	}
	r.next(r.advance(s, a.action+1), "")
}

// life begins a load or an unload.
func (r *reference) life(s refState) {
	s.agent[refLoader] = refAgent{busy: true, op: "load"}
	if s.placed {
		s.agent[refLoader].op = "unload"
		s.entered = false
	} else {
		s.placed = true
		for i := range r.Shape.Sites {
			s.slot[r.Shape.Sites+i] = refEmptySite()
		}
	}
	r.next(s, "")
}

func (r *reference) load(s refState, act protocol.Action) {
	a := s.agent[refLoader]
	site := 0
	if act.Desc != protocol.NoDesc {
		site = act.Desc // within the copy
		if act.First && !a.holds && r.locked(s, r.keyOf(site)) {
			return
		}
	}
	switch act.Kind {
	case protocol.Wait:
		r.wait(s, act)
		return
	case protocol.Poke:
		if s.read[site] != 0 {
			r.poke(s, act)
			return
		}
	case protocol.Track, protocol.Untrack:
		for i := range r.Shape.Sites {
			if r.locked(s, r.keyOf(i)) {
				return
			}
		}
		if s.tracked = act.Kind == protocol.Track; !s.tracked {
			s.stable = [refMax]bool{}
		}
	case protocol.Read:
		s.read[site] = r.names(s, r.keyOf(site))
	case protocol.Stable:
		s.stable[site] = true
	case protocol.Known, protocol.Unknown:
		s.known = act.Kind == protocol.Known
	case protocol.Open:
		s.entered = true
	case protocol.Free:
		if !s.placed {
			r.next(s, protocol.NoDoubleFree)
			return
		}
		s.placed = false
		for i := range r.Shape.Sites {
			s.slot[r.Shape.Sites+i] = refErasedSite()
		}
	}
	r.next(r.advance(s, a.action+1), "")
}

// TestReferenceLife holds copies and mutators against the reference.
func TestReferenceLife(t *testing.T) {
	for _, c := range few(1, []struct {
		shape protocol.Shape
		zoo   []protocol.Mutant
		mutex []protocol.Mutex
	}{
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Copies: 1}, protocol.ModelZoo(),
			[]protocol.Mutex{protocol.MutexMap, protocol.MutexNone}},
		{protocol.Shape{Sites: 1, Programs: 2, Keys: 1, Mutators: 2}, protocol.Zoo(),
			[]protocol.Mutex{protocol.MutexMap, protocol.MutexNone}},
		{protocol.Shape{Sites: 2, Programs: 1, Keys: 2, Mutators: 2, Same: true}, protocol.Zoo()[:3],
			[]protocol.Mutex{protocol.MutexKey}},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Copies: 1, Mutators: 2, Same: true, Indirect: true},
			protocol.ModelZoo()[:3], []protocol.Mutex{protocol.MutexMap, protocol.MutexNone}},
		{protocol.Shape{Sites: 2, Programs: 1, Keys: 2, Copies: 1}, protocol.ModelZoo()[4:6],
			[]protocol.Mutex{protocol.MutexKey}},
		{protocol.Shape{Sites: 2, Programs: 2, Keys: 2, Nested: true}, protocol.Zoo()[:8], []protocol.Mutex{protocol.MutexMap}},
		{protocol.Shape{Sites: 3, Programs: 1, Keys: 1, Nested: true, Indirect: true}, protocol.Zoo()[8:16], []protocol.Mutex{protocol.MutexMap}},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 1, Copies: 1, Nested: true}, protocol.ModelZoo(),
			[]protocol.Mutex{protocol.MutexMap}},
		{protocol.Shape{Sites: 1, Programs: 1, Keys: 3, Mutators: 2, Maps: 2}, protocol.Zoo(),
			[]protocol.Mutex{protocol.MutexMap, protocol.MutexKey, protocol.MutexNone}},
		{protocol.Shape{Sites: 2, Programs: 2, Keys: 2, Mutators: 2, Maps: 2}, protocol.Zoo()[:3],
			[]protocol.Mutex{protocol.MutexMap}},
		{protocol.Shape{Sites: 2, Programs: 1, Keys: 2, Copies: 1, Maps: 2}, protocol.ModelZoo()[4:6],
			[]protocol.Mutex{protocol.MutexMap}},
	}) {
		for _, mutex := range c.mutex {
			for _, m := range few(5, c.zoo) {
				s, err := m.Apply(protocol.DefaultSubject())
				if err != nil {
					t.Fatal(err)
				}
				if s.Grace.Kind > protocol.GraceSleep {
					continue // flavours that the reference does not know
				}
				s.Shape, s.Protocol.Mutex, s.Method = c.shape, mutex, shortened(s.Method)
				sameAsReference(t, s)
			}
		}
	}
}

// TestReferencePassed: what a passed descriptor would have asked for is forgotten with it.
func TestReferencePassed(t *testing.T) {
	p, err := protocol.ParseProtocol(`protocol passed
  install  each { bypass=jump; wait; bypass=nop }
  update
  remove
  load     each { }
  unload`)
	if err != nil {
		t.Fatal(err)
	}
	s := copies(1)
	s.Protocol, s.Method = p, protocol.Methods()[1]
	s.Shape.Mutators, s.Shape.Programs = 2, 1
	sameAsReference(t, s)
}

// TestReferenceOfAnyLife draws loads and unloads too, most of them wrong.
func TestReferenceOfAnyLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawAny(t)
		s.Method = protocol.Methods()[1]
		s.Shape.Sites, s.Shape.Keys, s.Shape.Programs = 1, 1, 1
		s.Shape.Copies = rapid.IntRange(0, 1).Draw(t, "copies")
		s.Shape.Mutators = rapid.IntRange(1, 2).Draw(t, "mutators")
		if s.Shape.Mutators > s.Shape.Copies && rapid.Bool().Draw(t, "more keys") {
			s.Shape.Sites, s.Shape.Keys, s.Shape.Copies = 2, 2, 0
			s.Shape.Maps = rapid.IntRange(0, 2).Draw(t, "maps")
		}
		s.Protocol.Mutex = rapid.SampledFrom([]protocol.Mutex{
			protocol.MutexMap, protocol.MutexKey, protocol.MutexNone,
		}).Draw(t, "mutex")
		s.Protocol.Load, s.Protocol.Unload = drawLife(t)
		sameAsReference(t, s)
	})
}

// drawLife draws the steps of a load and of an unload, in any order.
func drawLife(t *rapid.T) (load, unload []protocol.Step) {
	step := func(kinds ...protocol.StepKind) *rapid.Generator[protocol.Step] {
		return rapid.Map(rapid.SampledFrom(kinds), func(k protocol.StepKind) protocol.Step {
			return protocol.Step{Kind: k}
		})
	}
	body := rapid.OneOf(step(protocol.Read, protocol.Stable, protocol.Read, protocol.Wait),
		rapid.Just(protocol.Step{Kind: protocol.Poke, Slot: protocol.Target, To: protocol.Jump}),
		rapid.Just(protocol.Step{Kind: protocol.Poke, Slot: protocol.Bypass, To: protocol.Nop}))
	outside := step(protocol.Track, protocol.Open, protocol.Wait)
	load = rapid.SliceOfN(outside, 0, 2).Draw(t, "load before")
	load = append(load, protocol.Step{Kind: protocol.Each, Body: rapid.SliceOfN(body, 0, 4).Draw(t, "fixup")})
	load = append(load, rapid.SliceOfN(outside, 0, 2).Draw(t, "load after")...)
	unload = rapid.SliceOfN(step(protocol.Wait, protocol.Untrack, protocol.Free), 0, 4).Draw(t, "unload")
	return load, unload
}
