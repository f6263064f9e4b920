package stress

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// TestEveryLayoutOnEveryEngine judges the kernel's protocol and one without a grace period in layouts
// that have all options between them, and takes the violation of the latter again on real CPUs.
func TestEveryLayoutOnEveryEngine(t *testing.T) {
	needCPU(t)
	names := []string{
		"v5.10+ibt+oldnops+unrounded+ret-int3+jmp-retpoline", "v6.2+bmi2+jmp-lfence+jae+olddiv",
		"v6.12+ibt+sub0+pop+miss+jmp-int3", "v7.3+ibt+ret-thunk+jmp-thunk+array=0x20/0x140/0x88",
	}
	if testing.Short() {
		names = names[3:]
	}
	if c, err := (Choice{Layout: "running+ibt"}).Settle(); err == nil {
		names = append(names, c.Layout)
	} else {
		t.Log("without the running kernel's: ", err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			d := run(t, Choice{Layout: name, Sites: 1, Threads: 2}, Options{
				Engines: []Engine{protocol.Model, protocol.Machine, protocol.CPU}, Duration: 300 * time.Millisecond, MinCycles: 5,
			})
			if d.Verdict != report.Holds || d.Subject.Layout != name || d.Of(protocol.Machine).Verdict != protocol.Safe {
				t.Errorf("%s: %+v", d.Verdict, d.Verdicts)
			}
			takenAgain(t, name)
		})
	}
}

// takenAgain has the machine engine find what a removal without grace period breaks, and takes its
// steps on real CPUs.
func takenAgain(t *testing.T, layout string) {
	t.Helper()
	s, w, err := Choice{Layout: layout, Sites: 1, Threads: 2}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	m, err := protocol.MutantByName("no-grace")
	if err == nil {
		s, err = m.Apply(s)
	}
	if err != nil {
		t.Fatal(err)
	}
	var kept bytes.Buffer
	if _, err = Run(t.Context(), s, w, Options{Engines: []Engine{protocol.Machine}, Witness: &kept}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "witness.json")
	if err := os.WriteFile(file, kept.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	d, err := Replay(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	r := d.Sections[0].(*report.Replay)
	if d.Subject.Layout != layout || r.Property != protocol.NeverA || r.CPU.Outcome != report.Taken {
		t.Errorf("layout %s, %s, on CPUs %+v", d.Subject.Layout, r.Property, r.CPU)
	}
}

// TestSettle: "running" is the only name that becomes another.
func TestSettle(t *testing.T) {
	for given, want := range map[string]string{"": "v5.10", "v6.12+ibt": "v6.12+ibt", "v7.3": "v7.3"} {
		c, err := Choice{Layout: given, Threads: 3}.Settle()
		if err != nil || c.Layout != want || c.Threads != 3 {
			t.Errorf("%q: %+v, %v", given, c, err)
		}
	}
	c, err := Choice{Layout: "running"}.Settle()
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		t.Skip(err)
	case err != nil || c.Layout == "running":
		t.Errorf("%+v, %v", c, err)
	}
	s, _, err := Choice{Layout: "running"}.Resolve()
	if again, twice := c.Settle(); err != nil || twice != nil || s.Layout != c.Layout || again != c {
		t.Errorf("%s and %s, %v, %v", s.Layout, again.Layout, err, twice)
	}
}
