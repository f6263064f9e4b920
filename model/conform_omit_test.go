package model

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
)

// omitSome replaces runs of whole operations by items that say so.
func omitSome(items []protocol.Item, sites func(key int) int, rng *rand.Rand) []protocol.Item {
	var out []protocol.Item
	omitted, holds := map[int]int{}, map[int]int{}
	skips := false
	for _, it := range items {
		if it.Event.Kind == protocol.Called {
			if skips = rng.IntN(3) == 0; !skips && omitted[it.Key] > 0 {
				prog, held := holds[it.Key]
				if !held {
					prog = protocol.NoProg
				}
				gap := protocol.Item{Kind: protocol.Omitted, Prog: prog, Count: omitted[it.Key]}
				gap.Key, gap.Desc, gap.Least, gap.Most = it.Key, protocol.NoDesc, sites(it.Key), sites(it.Key)
				out = append(out, gap)
				omitted[it.Key] = 0
			}
			if it.Op.Gives() {
				holds[it.Key] = it.Prog
			} else {
				delete(holds, it.Key)
			}
		}
		if !skips {
			out = append(out, it)
		} else if it.Event.Kind == protocol.Returned {
			omitted[it.Key]++
		}
	}
	return out
}

// TestOmittedOperations: what is left of a trace without some of its operations conforms;
// with one event less it does not.
func TestOmittedOperations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(builtin()).Draw(t, "subject")
		s.Shape = drawShape(t)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 4))
		tr, err := walk(s, 400, rng, false)
		if err != nil {
			t.Fatal(err)
		}
		sites := func(key int) int { return (s.Shape.Sites - key + s.Shape.Keys - 1) / s.Shape.Keys }
		tr.Items = omitSome(tr.Items, sites, rng)
		r, err := Conform(s, tr)
		if err != nil {
			t.Fatal(err)
		}
		if r.Mismatch != nil || r.Items != len(tr.Items) {
			t.Fatalf("%v of\n%v", r.Mismatch, tr)
		}
		if len(tr.Items) < 2 {
			return
		}
		at := rng.IntN(len(tr.Items) - 1)
		if tr.Items[at].Kind == protocol.Omitted {
			return
		}
		fewer := protocol.Trace{Items: slices.Delete(slices.Clone(tr.Items), at, at+1)}
		if r, err = Conform(s, fewer); err != nil || r.Mismatch == nil || r.Mismatch.Index < at {
			t.Fatalf("without item %d: %v, %v of\n%v", at+1, err, r.Mismatch, tr)
		}
	})
}

// TestOmittedSites: a copy of the caller may have come at any time among operations that
// were not recorded, also one site of it before an operation and another one after it.
func TestOmittedSites(t *testing.T) {
	s := protocol.DefaultSubject()
	var err error
	if s.Protocol, err = protocol.ProtocolByName("lazy"); err != nil {
		t.Fatal(err)
	}
	const gap = `
		key 0 omitted 3 operations has 3 sites holds nothing
		key 0 saw site 0 bypass=jump-out target=jump-p4
		key 0 install called p4
		key 0 install published
		key 0 install poked site 0 target=jump unchanged
		key 0 install poked site 0 bypass=nop
		`
	for _, rest := range []string{
		`key 0 install poked site 1 target=jump unchanged
		key 0 install poked site 1 bypass=nop
		key 0 install poked site 2 target=jump`,
		`key 0 install poked site 1 target=jump
		key 0 install poked site 1 bypass=nop
		key 0 install poked site 2 target=jump`,
		`key 0 install poked site 1 target=jump unchanged
		key 0 install poked site 1 bypass=nop
		key 0 install poked site 2 target=jump unchanged`,
	} {
		if r := conform(t, s, parsed(t, gap+rest)); r.Mismatch != nil || r.Omitted != 3 {
			t.Errorf("%v of %s", r.Mismatch, rest)
		}
	}
	for _, text := range []string{
		gap + "key 0 install poked site 1 bypass=nop",
		"key 0 omitted 1 operations has 1 sites holds nothing\nkey 0 update called p1",
		"key 0 omitted 1 operations has 1 sites holds p1\nkey 0 install called p1",
		"key 0 omitted 1 operations has 1 sites holds p1\nkey 0 saw site 0 bypass=nop target=jump-p2",
		"key 0 install called p1\nkey 0 omitted 1 operations has 1 sites holds p1",
	} {
		tr := parsed(t, text)
		if r := conform(t, s, tr); r.Mismatch == nil || r.Mismatch.Index != len(tr.Items)-1 {
			t.Errorf("%v of %s", r.Mismatch, text)
		}
	}
}

func BenchmarkConformOmitted(b *testing.B) {
	s := protocol.DefaultSubject()
	s.Shape = protocol.Shape{Threads: 1, Sites: 2, Programs: 2, Keys: 1}
	items := append(parsed(b, "key 0 omitted 1 operations has 2 sites holds nothing").Items, parsed(b, cycle).Items...)
	c, err := NewConformer(s, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, it := range items {
			if fits, err := c.Consume(it); !fits || err != nil {
				b.Fatal(c.Result().Mismatch, err)
			}
		}
	}
	b.ReportMetric(float64(c.Result().Widest), "widest")
}

// TestTooManyOmitted: what may have become of a key is bounded, and more is no answer.
func TestTooManyOmitted(t *testing.T) {
	c, err := NewConformer(protocol.DefaultSubject(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.tracker(0)
	if err != nil {
		t.Fatal(err)
	}
	g := f.guesses[0]
	for range 1000 { // moments that look alike, and are others
		at := *g.at
		f.guesses = append(f.guesses, guess{in: g.in, at: &at})
	}
	omitted := protocol.Item{Kind: protocol.Omitted, Prog: protocol.NoProg, Most: 1}
	if _, err := c.omitted(f, omitted); err != nil {
		t.Errorf("of a thousand guesses: %v", err)
	}
	for range 1 << 13 {
		at := *g.at
		f.guesses = append(f.guesses, guess{in: g.in, at: &at})
	}
	if all, err := c.omitted(f, omitted); !errors.Is(err, ErrUnsupported) {
		t.Errorf("%d guesses, %v", len(all), err)
	}
}
