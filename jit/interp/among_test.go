package interp

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/jit"
)

// others do between two steps of a program what other threads might.
type others struct {
	r *rand.Rand
	w *world
}

// number is one that programs compare with, more often than not.
func (o others) number() uint64 {
	if o.r.IntN(4) == 0 {
		return o.r.Uint64()
	}
	return uint64(o.r.IntN(6))
}

func (o others) act() {
	o.w.Now, o.w.Random, o.w.CPU = o.number(), uint32(o.number()), uint32(o.number())
	d := o.w.Maps[[]string{"array", "percpu", "hash", ".bss"}[o.r.IntN(4)]]
	key, value := key4(uint32(o.r.IntN(4))), append(key8(o.number()), key8(o.number())...)[:d.ValueSize]
	if d.Kind == Hash && o.r.IntN(2) == 0 {
		d.contents.remove(d, key)
		return
	}
	if d.refusal(&d.contents, key, 0) == 0 {
		// In place, where the element exists: its address stays good.
		if elem, ok := d.find(&d.contents, key); ok {
			d.contents.set(elem, value)
			return
		}
		d.contents.put(d, key, value)
	}
}

// runAmong is one execution among others: maps, time and prog arrays may change at every step.
func runAmong(entry *jit.Program, w World, r *rand.Rand) (m *machine, err error) {
	used, err := newWorld(entry, w)
	if err != nil {
		return nil, err
	}
	o := others{r, used}
	m = newMachine(entry, used)
	m.own()
	for {
		if r.IntN(2) == 0 {
			o.act()
		}
		ev, err := m.step()
		switch {
		case err != nil:
			return nil, m.errorf(err)
		case ev == forks:
			return nil, errors.New("a world that is known asks for a guess")
		case ev == exits:
			return m, nil
		case ev == tailCalls:
			held, err := m.choices()
			if err == nil {
				err = m.take(held[r.IntN(len(held))])
			}
			if err != nil {
				return nil, m.errorf(err)
			}
		}
	}
}

// randomWorld has the maps of mapWorld with values of at least 8 bytes, a packet, and programs.
func randomWorld(t *testing.T, rt *rapid.T) (*jit.Program, World) {
	var progs []*jit.Program
	for _, name := range []string{"p0", "p1", "p2"} {
		progs = append(progs, parse(t, name, randomProgram(rt)))
	}
	w := skbWorld()
	put(t, w.Maps[".rodata"], key4(0), append(key8(2), "%d\x00\x00\x00\x00\x00\x00"...))
	w.Layout = rapid.SampledFrom([]*jit.Layout{&jit.V510, &jit.V612}).Draw(rt, "layout")
	w.Held = func(_ string, key uint32) []*jit.Program {
		return [][]*jit.Program{{progs[0], nil}, {progs[1]}, {progs[1], progs[2], nil}, {nil}}[key]
	}
	w.Probe = func(addr uint64, dst []byte) bool {
		for i := range dst {
			dst[i] = byte(addr)
		}
		return addr%2 == 1
	}
	w.MaxSteps, w.MaxStates = 1<<16, 1<<11
	return progs[0], w
}

// TestExploreCoversEveryExecution: whatever others do meanwhile, an execution ends as Explore
// said one may.
func TestExploreCoversEveryExecution(t *testing.T) {
	judged, refused, ran, unknown := 0, 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		entry, w := randomWorld(t, rt)
		shared := w
		shared.Shared = true
		res, err := Explore(entry, shared)
		if err != nil {
			refused++
			if !errors.Is(err, errUnknown) && !errors.Is(err, ErrBounded) {
				rt.Fatal(err)
			}
			return
		}
		judged++
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		for range 40 {
			m, err := runAmong(entry, w, r)
			switch {
			case errors.Is(err, errGone) || errors.Is(err, errHeader):
				unknown++
			case err != nil:
				rt.Fatal(err)
			default:
				ran++
				predicted(rt, res, m)
			}
		}
	})
	t.Logf("%d programs judged, %d refused; %d executions, %d of them left to chance", judged, refused, ran, unknown)
	if judged == 0 || ran == 0 {
		t.Error("nothing was compared")
	}
}

// predicted holds the end of an execution against what was explored.
func predicted(rt *rapid.T, res *Result, m *machine) {
	r0 := m.regs[0].n
	i := slices.IndexFunc(res.Outcomes, func(o Outcome) bool { return o.R0 == r0 })
	if i < 0 {
		rt.Fatalf("returned %d, want one of %+v", r0, res.Outcomes)
	}
	o := res.Outcomes[i]
	switch {
	case !slices.Contains(o.Last, m.last):
		rt.Fatalf("%d by way of %q, want %+v", r0, m.last, o)
	case m.missed && !o.Missed:
		rt.Fatalf("%d after a miss, want %+v", r0, o)
	case m.lo != m.hi && !(o.CtxWritten && res.CtxLo <= m.lo && m.hi <= res.CtxHi):
		rt.Fatalf("%d, and [%d,%d) of the context written, want %+v, [%d,%d)", r0, m.lo, m.hi, o, res.CtxLo, res.CtxHi)
	}
}

// TestRunIsExploreOfOneWorld: where every key holds one thing and no other thread writes, Explore
// finds what Run does, and leaves the world as it is.
func TestRunIsExploreOfOneWorld(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		entry, w := randomWorld(t, rt)
		held := w.Held
		w.Held = func(m string, key uint32) []*jit.Program { return held(m, key)[:1] }
		w.Now, w.Random, w.CPU = 3, 2, 1
		put(t, w.Maps["hash"], key4(1), key8(5))
		explored, exploreErr := Explore(entry, w)
		o, err := Run(entry, w)
		switch {
		case errors.Is(err, ErrBounded) || errors.Is(exploreErr, ErrBounded):
			return // each has bounds of its own
		case err != nil || exploreErr != nil:
			if err == nil || exploreErr == nil || err.Error() != exploreErr.Error() {
				rt.Fatalf("Run: %v; Explore: %v", err, exploreErr)
			}
		case !reflect.DeepEqual(explored.Outcomes, []Outcome{o}):
			rt.Fatalf("Run: %+v; Explore: %+v", o, explored.Outcomes)
		}
	})
}
