//go:build linux && amd64

package native

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
)

// layouts are all layouts, and the last with the shifts of BMI2 if this CPU has them.
func layouts() []*jit.Layout {
	all := jit.Layouts()
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil && bytes.Contains(info, []byte(" bmi2 ")) {
		l := *all[len(all)-1]
		l.Name, l.ShiftX = l.Name+" with BMI2", true
		all = append(all, &l)
	}
	return all
}

// A tally says what was compared.
type tally struct {
	families, runs, agreed, endless, refused, tails, limits int
	reasons                                                 map[string]int
}

// judge runs a family in one layout. The error says what differs.
func (f *family) judge(l *jit.Layout, t *tally) (err error) {
	p, err := newPair(f, l)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.machine.Close()) }()
	for _, c := range f.held {
		if err := p.put(c); err != nil {
			return err
		}
	}
	for i := range f.runs {
		t.runs++
		tails, err := p.run(&f.runs[i])
		switch {
		case errors.Is(err, errUnjudged): // the worlds are equal no more
			if errors.Is(err, interp.ErrBounded) || errors.Is(err, ErrStackUsedUp) {
				t.endless++
			} else {
				t.refused++
			}
			t.reasons[reason(err)]++
			return nil
		case err != nil:
			return fmt.Errorf("run %d: %w", i, err)
		}
		t.agreed++
		t.tails += tails
		if tails >= int(l.Counter.Limit) {
			t.limits++
		}
	}
	return nil
}

// reason is why something was not predicted, without where.
func reason(err error) string {
	parts := strings.Split(err.Error(), "): ")
	return parts[len(parts)-1]
}

// TestDifferential runs random programs in the interpreter and as machine code of every layout.
func TestDifferential(t *testing.T) {
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	c := &tally{reasons: map[string]int{}}
	t.Cleanup(func() {
		t.Logf("%d families, %d runs in %d layouts together: %d agreed, %d had no end, %d were refused",
			c.families, c.runs, len(layouts()), c.agreed, c.endless, c.refused)
		t.Logf("%d tail calls, %d runs met the limit; not predicted: %v", c.tails, c.limits, c.reasons)
	})
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		rapid.Check(t, differential(c))
	}
	switch { // everything that is written is valid, and nearly everything ends
	case 10*c.agreed <= 9*c.runs:
		t.Errorf("%d of %d runs were compared", c.agreed, c.runs)
	case c.limits == 0 && !testing.Short(): // few families meet the limit
		t.Errorf("no run met the limit of tail calls")
	case 100*c.refused > c.runs:
		t.Errorf("the interpreter refuses %d of %d runs", c.refused, c.runs)
	}
}

func differential(c *tally) func(*rapid.T) {
	all := layouts()
	return func(t *rapid.T) {
		f := rapid.Custom(drawFamily).Draw(t, "family")
		c.families++
		for _, l := range all {
			if err := f.judge(l, c); err != nil {
				t.Logf("layout %s: %v", l.Name, err)
				t.Fatal("machine code differs from the interpreter") // always this text, or nothing is shrunk
			}
		}
	}
}

// FuzzDifferential lets the fuzzer choose. What it gives is the beginning of what is drawn, but for
// the first 8 bytes: they are the seed of the rest, since a family takes more than it will try.
func FuzzDifferential(f *testing.F) {
	if err := exec.Supported(); err != nil {
		f.Skip(err)
	}
	c := &tally{reasons: map[string]int{}}
	check := rapid.MakeFuzz(differential(c))
	f.Add([]byte("tailpoke"))
	f.Fuzz(func(t *testing.T, input []byte) {
		const drawn = 1 << 18
		var seed [8]byte
		input = input[copy(seed[:], input):]
		r := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:]), 1))
		input = slices.Clip(input[:len(input)&^7])
		for len(input) < drawn {
			input = binary.LittleEndian.AppendUint64(input, r.Uint64())
		}
		check(t, input)
	})
}
