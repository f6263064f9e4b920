package stress

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"tailpoke/jit"
	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// modelProperties are the properties that the model judges.
var modelProperties = []protocol.Property{
	protocol.NeverA, protocol.NoTorn, protocol.NoUseAfterFree, protocol.NoMiss, protocol.Fresh, protocol.ExpectedBytes,
	protocol.Progress,
}

func judgeModel(ctx context.Context, s protocol.Subject, t *Workload, _ *jit.Layout, o Options) (report.Verdict, error) {
	asked := s
	asked.Shape = modelShape(s, t, o)
	check := func(s protocol.Subject) (*model.Result, error) {
		return model.Check(s, model.Options{
			MaxStates: o.MaxStates, Stop: func() bool { return ctx.Err() != nil }, Progress: true,
		})
	}
	res, err := check(asked)
	left := ""
	if ctx.Err() == nil && asked.Shape != s.Shape.AtLeast(o.Needs) && tooMuch(res, err) {
		left = leftOut(asked.Shape)
		asked.Shape = s.Shape.AtLeast(o.Needs) // less is something too
		res, err = check(asked)
	}
	if err == nil && res.Verdict == protocol.Proved && t.Deep() != nil && o.Needs == (protocol.Shape{}) {
		// Programs with sites and programs without: more pokes are more grace periods.
		own := asked
		own.Shape.Deep = true
		if more, err := check(own); tooMuch(more, err) {
			left = cmp.Or(left, leftOut(own.Shape))
		} else if err != nil {
			return report.Verdict{}, err
		} else {
			asked, res = own, joined(res, more)
		}
	}
	if errors.Is(err, model.ErrUnsupported) {
		return report.Verdict{Verdict: protocol.Unsupported, Reason: err.Error()}, nil
	}
	if err != nil {
		return report.Verdict{}, err
	}
	s = asked
	v := report.Verdict{Verdict: res.Verdict, Property: res.Property, ModelCounts: &report.ModelCounts{
		Properties: modelProperties, States: res.States, Transitions: res.Transitions, Depth: res.Depth,
		Explored: explored(s.Shape, res.Threads),
	}}
	switch idle := cmp.Or(res.Reached.Unexplored(), neverEntered(res.Reached, s.Shape)); {
	case res.Verdict == protocol.Proved && idle != "":
		v.Verdict, v.Reason = protocol.Vacuous, idle
	case res.Verdict == protocol.Proved && left != "":
		v.Verdict, v.Reason = protocol.Safe, left
	case res.Witness != nil:
		v.Witness = res.Witness
		err = keepModelWitness(s, t, o, res)
	case res.Verdict == protocol.Bounded:
		v.Reason = fmt.Sprintf("the bound on states was hit after %d", res.States)
		if ctx.Err() != nil {
			v.Reason = fmt.Sprintf("ended after %d states", res.States)
		}
	}
	return v, err
}

// tooMuch reports whether the model has no room for what it was asked.
func tooMuch(r *model.Result, err error) bool {
	return errors.Is(err, model.ErrUnsupported) || err == nil && r.Verdict == protocol.Bounded
}

// leftOut says what is not covered by a check of less than the shape.
func leftOut(s protocol.Shape) string {
	switch {
	case s.Deep:
		return "for programs without sites; with those that they have there are more sites, or states, than the model has room for"
	case s.Indirect:
		return "for direct callers; with indirect ones there are more keys, or states, than the model has room for"
	case s.Nested:
		return "for sites outside of subprograms; with those there are more states than the model has room for"
	}
	return "without what loads, unloads and other mutators do; with that there are more states than the model has room for"
}

// joined is what two proofs say together, or the second, if it is none, beside the first.
func joined(a, b *model.Result) *model.Result {
	b.States += a.States
	b.Transitions += a.Transitions
	if b.Verdict == protocol.Proved {
		b.Depth = max(a.Depth, b.Depth)
	}
	return b
}

// modelShape is the shape that the model explores: the target's, with those who read the map while
// they run, with returns into a caller whose subprograms have sites, and with what the lines of the
// protocol ask for that say something of copies and of mutators.
func modelShape(s protocol.Subject, t *Workload, o Options) protocol.Shape {
	shape := s.Shape.AtLeast(o.Needs)
	if t.Indirect() {
		shape.Indirect = true
		shape.Keys = max(shape.Keys, len(t.Keys))
	}
	shape.Nested = shape.Nested || t.Nested()
	if o.Needs != (protocol.Shape{}) { // a mutant, which says what it needs
		return shape
	}
	if s.Protocol.Load != nil || s.Protocol.Unload != nil {
		shape.Copies = 1
	}
	if s.Protocol.Mutex != protocol.MutexMap {
		shape.Mutators = 2
	}
	return shape
}

// neverEntered names what the shape asks for and no execution contains.
func neverEntered(r model.Reached, s protocol.Shape) string {
	switch {
	case s.Nested && r.Backs == 0:
		return "no returns into a caller were explored"
	case s.Deep && r.Arrivals == 0:
		return "no loads of programs were explored"
	}
	return ""
}
