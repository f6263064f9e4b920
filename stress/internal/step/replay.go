package step

import (
	"errors"
	"fmt"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/sim"
	"tailpoke/stress/report"
)

// ending is what ends a replay before its last step: [report.Differs] or [report.NotForced].
type ending struct {
	outcome report.StepOutcome
	text    string
}

func (e *ending) Error() string { return e.text }

func differs(format string, args ...any) error {
	return &ending{report.Differs, fmt.Sprintf(format, args...)}
}

func cannotForce(format string, args ...any) error {
	return &ending{report.NotForced, fmt.Sprintf(format, args...)}
}

// Replay takes the steps of a witness of the configuration on real CPUs. An error says that memory
// or time was short; a difference is none.
func Replay(c sim.Config, w *witness.Witness) (*report.Stepped, error) {
	if err := exec.Supported(); err != nil {
		return &report.Stepped{Outcome: report.NotStepped, Steps: len(w.Steps), Text: err.Error()}, nil
	}
	if len(c.Data) > 0 {
		return &report.Stepped{Outcome: report.NotStepped, Steps: len(w.Steps), Text: "its programs have maps or helpers, which are others on a real CPU"}, nil
	}
	if len(w.Steps) == 0 {
		return nil, errors.New("a witness without steps")
	}
	return newReplay(c, w).run()
}

// run builds the rig, takes the steps, and gives everything back.
func (r *replay) run() (*report.Stepped, error) {
	err := r.build()
	res := &report.Stepped{Steps: len(r.w.Steps)}
	if err == nil {
		err = r.take(res)
	}
	if e, ok := errors.AsType[*ending](err); ok {
		res.Outcome, res.Text, err = e.outcome, e.text, nil
	}
	if err = errors.Join(err, r.close()); err != nil {
		return nil, err
	}
	return res, nil
}

// take takes the steps.
func (r *replay) take(res *report.Stepped) error {
	if err := r.sameSites(&r.w.Start); err != nil {
		return cannotForce("before step 1: %v", err) // the protocol's install leads elsewhere
	}
	r.mutator.start(r.put)
	for i := range r.w.Steps {
		if err := r.one(i); err != nil {
			return at(i, err)
		}
		res.Taken++
	}
	last := &r.w.Steps[len(r.w.Steps)-1]
	var err error
	if res.Seen, err = r.seen(last); err != nil {
		res.Taken--
		return at(len(r.w.Steps)-1, err)
	}
	res.Source = r.w.BrokenAt()
	res.Outcome = report.Taken
	if last.Actor.Kind == witness.Thread {
		res.Then, err = r.letGo(last.Actor.Index)
	}
	return err
}

// at says at which step something was.
func at(i int, err error) error {
	e, ok := errors.AsType[*ending](err)
	switch {
	case !ok:
		return fmt.Errorf("step %d: %w", i+1, err)
	case e.outcome == report.Differs:
		return differs("step %d: %s", i+1, e.text)
	}
	return cannotForce("step %d %s", i+1, e.text)
}

// one takes a step and compares what it leads to. The last one leads nowhere: what it breaks is
// looked at later.
func (r *replay) one(i int) error {
	s := &r.w.Steps[i]
	last := i == len(r.w.Steps)-1
	var err error
	if s.Actor.Kind == witness.Thread {
		err = r.threadStep(s, last)
	} else {
		err = r.mutatorStep(i, s, last)
	}
	if err == nil {
		err = r.mutator.waitsStill(r)
	}
	if err == nil && !last {
		if err = r.sameFreed(s); err == nil {
			err = r.sameSites(&s.View)
		}
	}
	return err
}

// accused is the thread that the last step is of; 0 if it is the mutator's.
func accused(w *witness.Witness) int { return w.Steps[len(w.Steps)-1].Actor.Index }

// allowed is how many of the threads that a grace period waits for it may leave inside.
func (r *replay) allowed(period protocol.Period) int {
	switch {
	case period != protocol.OwnPeriod:
	case r.c.Subject.Grace.Kind == protocol.GraceForget:
		return 1
	case r.c.Subject.Grace.Kind == protocol.GraceSleep:
		return len(r.threads)
	}
	return 0
}
