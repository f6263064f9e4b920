package cpu

import (
	"errors"
	"slices"
	"time"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/internal/rig"
)

// A trial is so many executions, or as many as the time allows.
const (
	trialCalls = 2000
	trialTime  = 100 * time.Millisecond
)

// Reaches says how many of a number of executions end in a marker, one thread's, with a marker in every
// key.
func Reaches(c Config, markers []*jit.Program) (n uint64, err error) {
	c.Subject.Shape.Threads = 1
	r := &run{Config: c}
	if err := r.open(nil); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	load := func(p *jit.Program) (*patcher.Program, error) {
		img, err := r.Compile(p)
		if err != nil {
			return nil, err
		}
		return r.Patcher.Load(p.Name, rig.Image(img), patcher.PlaceAny)
	}
	entry, err := load(c.Entry)
	if err != nil {
		return 0, err
	}
	for i, k := range c.Keys {
		p, err := load(markers[i%len(markers)])
		if err != nil {
			return 0, err
		}
		if err := r.Arrays[k.Map].Update(k.Index, p); err != nil {
			return 0, err
		}
	}
	r.Pool.SetEntries([]uint64{r.Patcher.Addr(entry)})
	if _, err := r.Pool.Run(trialCalls, trialTime); err != nil && !errors.Is(err, exec.ErrLimit) {
		return 0, err
	}
	counted := r.Pool.Counters().Outcomes
	for i, o := range slices.DeleteFunc(slices.Clone(c.Oracle.Outcomes()), func(o live.Outcome) bool { return o.Any }) {
		if o.Tail && !o.Skip {
			n += counted[i]
		}
	}
	return n, nil
}
