package affected

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tailpoke/internal/vm/guest"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/report"
)

// Options say what may be done.
type Options struct {
	// Dangerous: experiments that may end the kernel are carried out.
	Dangerous bool
	Race      time.Duration // for each race
	// Begins, if set, is called before each experiment, with what was found until then: if the kernel
	// ends in it, that was said. The row has no answer yet.
	Begins func(row report.AffectedFault, before *report.Affected)
}

// unsupported is an error that says what is missing to ask the running kernel anything.
type unsupported struct{ error }

func (unsupported) Is(target error) bool { return target == errors.ErrUnsupported }

// Run asks the running kernel for the faults of these names, or for all of them. The error is
// [errors.ErrUnsupported] if it cannot be asked at all; with no report it is a fault of the names.
// If ctx ends, the report has what was asked until then.
func Run(ctx context.Context, names []string, o Options) (*report.Affected, error) {
	faults, err := chosen(names)
	if err != nil {
		return nil, err
	}
	if err := kernel.Supported(); err != nil {
		return nil, unsupported{err}
	}
	out := &report.Affected{}
	for i := range faults {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		f := &faults[i]
		start := time.Now()
		row := f.row(f.find(ctx, o, out))
		row.Seconds = time.Since(start).Seconds()
		out.Faults = append(out.Faults, row)
	}
	return out, nil
}

// find carries the experiment out where that is allowed.
func (f *Fault) find(ctx context.Context, o Options, before *report.Affected) finding {
	if f.Endangers && !o.Dangerous {
		return unclear("it may end this kernel: stress vm --kernel ... -- affected %s, or --dangerous",
			f.Name)
	}
	if o.Begins != nil {
		o.Begins(f.row(finding{}), before)
	}
	if f.Endangers {
		time.Sleep(lastWords)
	}
	b := &bench{race: o.Race, done: ctx.Done()}
	out := b.within(f.bound(o.Race), f.ask)
	if why := guest.Doubted(); why != "" && f.Race && out.answer == report.HasFault {
		return unclear("%s: %s", why, out.seen)
	}
	return out
}

// bound is how long the experiment may take.
func (f *Fault) bound(race time.Duration) time.Duration { return settleTime + 2*race }

// lastWords is how long what was said takes out of a guest that may end.
const lastWords = 200 * time.Millisecond

// within has an experiment carried out that may not take longer. The kernel may keep its thread.
func (b *bench) within(bound time.Duration, ask func(*bench) finding) finding {
	done := make(chan finding, 1)
	go func() {
		var f finding
		defer func() {
			b.close()
			if b.err != nil {
				f = ofError(b.err)
			}
			done <- f
		}()
		f = ask(b)
	}()
	select {
	case f := <-done:
		return f
	case <-time.After(bound):
		return unclear("the experiment did not end in %v: the kernel's log may say why", bound)
	}
}

// row is what the report says of a fault.
func (f *Fault) row(found finding) report.AffectedFault {
	row := report.AffectedFault{
		Name: f.Name, Answer: found.answer, Seen: found.seen,
		Says: f.Says, Origin: f.Origin, Versions: f.Versions,
		Race: f.Race, Shown: f.Shown, Endangers: f.Endangers, Trials: found.trials,
	}
	if found.trials > 0 {
		row.RateMax, row.Confidence = min(1, confidenceFactor/float64(found.trials)), confidence
	}
	return row
}

// What did not happen in n trials happens in fewer than 3 of n, with this confidence.
const (
	confidence       = 0.95
	confidenceFactor = 3
)

// Text says what a fault is, for a catalogue.
func (f *Fault) Text() string {
	text := fmt.Sprintf("%s\ncommit %s; kernels %s", f.Says, f.Origin, f.Versions)
	if f.Endangers {
		text += "\nits experiment may end a kernel that has it"
	}
	return text
}
