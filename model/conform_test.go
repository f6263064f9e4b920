package model

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

func conform(t testing.TB, s protocol.Subject, tr protocol.Trace) *Conformance {
	t.Helper()
	r, err := Conform(s, tr)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// parsed reads a trace written in a test.
func parsed(t testing.TB, text string) protocol.Trace {
	t.Helper()
	tr, err := protocol.ParseTrace(text)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// The traces of a cycle on two sites, by the kernel's protocol.
const cycle = `
key 0 install called p1
key 0 install published
key 0 install poked site 0 target=jump
key 0 install poked site 0 bypass=nop
key 0 install poked site 1 target=jump
key 0 install poked site 1 bypass=nop
key 0 install returned
key 0 update called p2
key 0 update published
key 0 update poked site 0 target=jump
key 0 update poked site 1 target=jump
key 0 update retired
key 0 update returned
key 0 remove called
key 0 remove published
key 0 remove poked site 0 bypass=jump
key 0 remove waited site 0
key 0 remove poked site 0 target=nop
key 0 remove poked site 1 bypass=jump
key 0 remove waited site 1
key 0 remove poked site 1 target=nop
key 0 remove retired
key 0 remove returned
`

// TestCycleAmongProtocols holds one trace against every protocol and mutant. Where the
// protocol is another one, the first event that tells them apart is named, with what the
// other would do.
func TestCycleAmongProtocols(t *testing.T) {
	want := map[string]string{
		"batched":          "item 17: key 0 remove waited site 0: the model allows key 0 remove poked site 1 bypass=jump",
		"batched-remove":   "item 17: key 0 remove waited site 0: the model allows key 0 remove poked site 1 bypass=jump",
		"lazy":             "item 17: key 0 remove waited site 0: the model allows key 0 remove poked site 1 bypass=jump",
		"lazy-remove":      "item 17: key 0 remove waited site 0: the model allows key 0 remove poked site 1 bypass=jump",
		"lazy-free":        "item 17: key 0 remove waited site 0: the model allows key 0 remove poked site 1 bypass=jump",
		"no-grace":         "item 17: key 0 remove waited site 0: the model allows key 0 remove poked site 0 target=nop",
		"early-grace":      "item 16: key 0 remove poked site 0 bypass=jump: the model allows key 0 remove waited site 0",
		"install-order":    "item 3: key 0 install poked site 0 target=jump: the model allows key 0 install poked site 0 bypass=nop",
		"two-pass-install": "item 4: key 0 install poked site 0 bypass=nop: the model allows key 0 install poked site 1 target=jump",
		"remove-order":     "item 16: key 0 remove poked site 0 bypass=jump: the model allows key 0 remove poked site 0 target=nop",
		"free-on-update":   "item 12: key 0 update retired: the model allows key 0 update freed",
		"free-on-remove":   "item 16: key 0 remove poked site 0 bypass=jump: the model allows key 0 remove freed",
		"free-after-wait":  "item 22: key 0 remove retired: the model allows key 0 remove freed",
		"update-through-c": "item 10: key 0 update poked site 0 target=jump: the model allows key 0 update poked site 0 bypass=jump",
		"late-bypass":      "item 16: key 0 remove poked site 0 bypass=jump: the model allows key 0 remove waited",
		"forgotten-close":  "item 16: key 0 remove poked site 0 bypass=jump: the model allows key 0 remove retired",
		"double-grace":     "item 18: key 0 remove poked site 0 target=nop: the model allows key 0 remove waited site 0",
		// These differ in nothing that is recorded here.
		"kernel": "", "forget-reader": "", "sleep-grace": "", "int3-nosync": "", "bytes": "", "trap-retry": "",
	}
	tr := parsed(t, cycle)
	seen := map[string]bool{}
	for _, s := range allSubjects(t) {
		s.Shape = protocol.Shape{Threads: 1, Sites: 2, Programs: 2, Keys: 1}
		says, known := want[s.Protocol.Name]
		if !known {
			t.Logf("%s is not in the table", s.Protocol.Name)
			continue
		}
		seen[s.Protocol.Name] = true
		got := ""
		r := conform(t, s, tr)
		if r.Mismatch != nil {
			got = r.Mismatch.String()
		} else if r.Events != len(tr.Items) {
			got = fmt.Sprintf("%d events", r.Events)
		}
		if got != says {
			t.Errorf("%s: %q, want %q", nameOf(s), got, says)
		}
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("no subject %s", name)
		}
	}
}

// TestConformCases: what is recorded beside events, and what is wrong with it. A line that
// ends in "!" is the first that is refused, with what follows as a part of the answer.
func TestConformCases(t *testing.T) {
	for name, text := range map[string]string{
		"memory between events": `
			key 0 saw site 0 bypass=jump-out target=nop
			key 0 install called p7
			key 0 install published
			key 0 saw site 0 bypass=jump-out target=nop
			key 0 saw site 0 bypass=jump target=int3-nop
			key 0 saw site 0 target=int3-mixed
			key 0 saw site 0 target=int3-p7
			key 0 saw site 0 target=int3
			key 0 saw site 1 bypass=jump target=nop
			key 0 install poked site 0 bypass=nop !key 0 install poked site 0 target=jump`,
		"state A": `
			key 0 install called p7
			key 0 install published
			key 0 install poked site 0 target=jump
			key 0 install poked site 0 bypass=nop
			key 0 saw site 0 bypass=nop target=nop !bypass=nop target=jump-p7`,
		"torn": `
			key 0 install called p7
			key 0 install published
			key 0 saw site 0 target=torn !bypass=jump-out target=int3-nop`,
		"another program": `
			key 0 install called p7
			key 0 install published
			key 0 install poked site 0 target=jump
			key 0 saw site 0 target=jump-p7
			key 0 saw site 0 target=jump-p8 !target=jump-p7`,
		"the program of number 0": `
			key 0 install called p7
			key 0 install published
			key 0 install poked site 0 target=jump
			key 0 saw site 0 target=jump-p0 !target=jump-p7`,
		"number 0 is a number": `
			key 0 install called p0
			key 0 install published
			key 0 install poked site 0 target=jump
			key 0 saw site 0 target=jump-p0
			key 0 saw site 0 target=jump-p1 !target=jump-p0`,
		"an old tail after the new one": `
			key 0 install called p7
			key 0 install published
			key 0 saw site 0 target=int3-p7
			key 0 saw site 0 target=int3-nop !target=int3-p7`,
		"an old tail after a mixed one": `
			key 0 install called p7
			key 0 install published
			key 0 saw site 0 target=int3-mixed
			key 0 saw site 0 target=int3-nop !target=int3-p7`,
		"the same program again": `
			key 0 install called p7
			key 0 install published
			key 0 install poked site 0 target=jump
			key 0 install poked site 0 bypass=nop
			key 0 install poked site 1 target=jump
			key 0 install poked site 1 bypass=nop
			key 0 install returned
			key 0 update called p7
			key 0 update published
			key 0 update poked site 0 target=jump !key 0 update poked site 0 target=jump unchanged`,
		"another one is poked": `
			key 0 has 1 sites
			key 0 install called p7
			key 0 install published
			key 0 install poked site 0 target=jump
			key 0 install poked site 0 bypass=nop
			key 0 install returned
			key 0 update called p8
			key 0 update published
			key 0 update poked site 0 target=jump unchanged !key 0 update poked site 0 target=jump`,
		"a second mutator": `
			key 1 has 1 sites
			key 0 install called p7
			key 1 install called p8 !key 0 install published`,
		"sites that come": `
			key 0 has 1 sites
			key 0 install called p7
			key 0 install published
			key 0 install poked site 0 target=jump
			key 0 install poked site 0 bypass=nop
			key 0 install returned
			key 0 has 1 to 3 sites
			key 0 saw site 0 bypass=nop target=jump-p7
			key 0 saw site 2 bypass=nop target=jump-p7
			key 0 saw site 3 bypass=nop target=jump-p7 !observations of 3 sites`,
		"sites that went unsaid": `
			key 0 has 2 sites
			key 0 install called p7
			key 0 install published
			key 0 install poked site 0 target=jump
			key 0 install poked site 0 bypass=nop
			key 0 install returned !key 0 install poked site 1 target=jump`,
		"sites in an operation": `
			key 0 install called p7
			key 0 has 1 sites !nothing of this kind before`,
		"a key without sites": `
			key 5 install called p7
			key 5 install published
			key 5 install returned
			key 5 update called p8
			key 5 update published
			key 5 update retired
			key 5 update returned
			key 5 remove called
			key 5 remove published
			key 5 remove poked site 0 bypass=jump !key 5 remove retired`,
		"no such operation": `
			key 0 remove called !key 0 install called`,
	} {
		t.Run(name, func(t *testing.T) {
			body, part, _ := strings.Cut(text, "!")
			tr := parsed(t, body)
			s := protocol.DefaultSubject()
			s.Shape.Sites = 2
			r := conform(t, s, tr)
			last := len(tr.Items) - 1
			if m := r.Mismatch; m == nil || m.Index != last || r.Items != last || !strings.Contains(m.String(), part) {
				t.Errorf("%v, want item %d refused with %q", m, last+1, part)
			}
		})
	}
}

// TestLazyCopies: what a removal leaves in memory, copies of the caller that come and go
// included.
func TestLazyCopies(t *testing.T) {
	s := protocol.DefaultSubject()
	var err error
	if s.Protocol, err = protocol.ProtocolByName("lazy"); err != nil {
		t.Fatal(err)
	}
	const removed = `
		key 0 install called p7
		key 0 install published
		key 0 install poked site 0 target=jump
		key 0 install poked site 0 bypass=nop
		key 0 install returned
		key 0 remove called
		key 0 remove published
		key 0 remove poked site 0 bypass=jump
		key 0 remove retired
		key 0 remove returned
		key 0 saw site 0 bypass=jump-out target=jump-p7
		key 0 has 2 sites
		key 0 install called p7
		key 0 install published
		key 0 install poked site 0 target=jump unchanged
		key 0 install poked site 0 bypass=nop
		`
	for last, fits := range map[string]bool{
		"key 0 install poked site 1 target=jump":           true,
		"key 0 install poked site 1 target=jump unchanged": false,
	} {
		tr := parsed(t, removed+last)
		if r := conform(t, s, tr); (r.Mismatch == nil) != fits || r.Items < len(tr.Items)-1 {
			t.Errorf("%s: %v", last, r.Mismatch)
		}
	}
}

// TestSeenBeforeItIsRecorded: the last micro-step of a poke may be seen before the poke's
// event is recorded; what follows in the trace is that event then.
func TestSeenBeforeItIsRecorded(t *testing.T) {
	s := protocol.DefaultSubject()
	var err error
	if s.Method, err = protocol.ParseMethod("method bare\n all"); err != nil {
		t.Fatal(err)
	}
	const seen = `
		key 0 install called p7
		key 0 install published
		key 0 saw site 0 target=nop
		key 0 saw site 0 target=jump-p7
		key 0 saw site 0 target=jump-p7
		`
	if r := conform(t, s, parsed(t, seen+"key 0 install poked site 0 target=jump\nkey 0 saw site 0 bypass=nop")); r.Mismatch != nil {
		t.Error(r.Mismatch)
	}
	for _, last := range []string{"key 0 saw site 0 target=nop", "key 0 install poked site 0 bypass=nop", "key 0 saw site 0 bypass=nop"} {
		if r := conform(t, s, parsed(t, seen+last)); r.Mismatch == nil || r.Mismatch.Index != 5 {
			t.Errorf("%s: %v", last, r.Mismatch)
		}
	}
}

func TestConformRefuses(t *testing.T) {
	s := protocol.DefaultSubject()
	for _, text := range []string{"key 0 has 9 sites", "key 0 has 1 to 64 sites"} {
		if _, err := Conform(s, parsed(t, text)); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := NewConformer(s, []protocol.EventKind{protocol.Poked}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a trace without calls: %v", err)
	}
	if r := conform(t, s, protocol.Trace{}); !r.Vacuous() || r.Mismatch != nil {
		t.Errorf("an empty trace: %+v", r)
	}
	if r := conform(t, s, parsed(t, "key 0 has 1 sites")); !r.Vacuous() {
		t.Errorf("a trace of no events: %+v", r)
	}
	c, err := NewConformer(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, it := range parsed(t, "key 0 install returned\nkey 0 install called").Items {
		if fits, err := c.Consume(it); fits || err != nil {
			t.Errorf("item %d: %v, %v: nothing is consumed after a mismatch", i, fits, err)
		}
	}
	if r := c.Result(); r.Events != 0 || r.Mismatch.Index != 0 {
		t.Errorf("%+v", r)
	}
}

func BenchmarkConform(b *testing.B) {
	s := protocol.DefaultSubject()
	s.Shape = protocol.Shape{Threads: 1, Sites: 2, Programs: 2, Keys: 1}
	tr := parsed(b, cycle)
	c, err := NewConformer(s, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, it := range tr.Items {
			if fits, err := c.Consume(it); !fits || err != nil {
				b.Fatal(c.Result().Mismatch, err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(tr.Items)), "ns/event")
}
