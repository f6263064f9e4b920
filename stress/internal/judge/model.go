package judge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/report"
)

// modelEngine asks package model.
type modelEngine struct{}

func (modelEngine) Name() protocol.Engine { return protocol.Model }
func (modelEngine) Live() bool            { return false }
func (modelEngine) Missing() error        { return nil }
func (modelEngine) Validate(*Job) error   { return nil }

func (modelEngine) About() string {
	return "the abstract states, every interleaving, any weak fetch: proved, violated or bounded"
}

func (modelEngine) Properties() []protocol.Property { return modelProperties }

// modelJudges are the properties that the model judges. Whether a store of a whole instruction is
// single depends on where a slot lies, which the model does not know.
func modelJudges(m protocol.Method) []protocol.Property {
	single := slices.ContainsFunc(m.Steps, func(s protocol.MicroStep) bool { return s.Single && s.Len != 1 })
	return slices.DeleteFunc(slices.Clone(modelProperties), func(p protocol.Property) bool {
		return single && p == protocol.NoTorn
	})
}

var modelProperties = []protocol.Property{
	protocol.NeverA, protocol.NoTorn, protocol.NoUseAfterFree, protocol.NoMiss, protocol.Fresh, protocol.ExpectedBytes,
	protocol.NoDoubleFree, protocol.NoEarlyFree, protocol.NoLeak, protocol.Progress,
}

func (modelEngine) Judge(ctx context.Context, j *Job) (Answer, error) {
	if err := j.Workload.Poked(); err != nil {
		return unsupported(err.Error()), nil
	}
	ctx, x := j.explore(ctx, protocol.Model)
	defer x.end()
	s, res, left, err := exploreModel(ctx, x, j)
	if errors.Is(err, model.ErrUnsupported) {
		return unsupported(err.Error()), nil
	}
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Verdict: report.Verdict{Verdict: res.Verdict, Property: res.Property, Properties: modelJudges(s.Method), ModelCounts: &report.ModelCounts{
		States: res.States, Transitions: res.Transitions, Depth: res.Depth,
		Explored: explored(s.Shape, res.Threads), Narrow: left != "",
	}}}
	v := &a.Verdict
	switch idle := cmp.Or(res.Reached.Unexplored(), neverEntered(res.Reached, s.Shape)); {
	case res.Verdict == protocol.Proved && idle != "":
		v.Verdict, v.Reason = protocol.Vacuous, idle
	case res.Verdict == protocol.Proved && left != "":
		v.Verdict, v.Reason = protocol.Safe, left
	case res.Witness != nil:
		v.Witness = res.Witness
		j.nameLines(v.Witness, s.Shape.Keys)
		shape := modelShape(s.Shape)
		shape.Threads = res.Threads
		a.Recorded = &Recorded{Explored: &modelExplored{shape}, Choices: res.Witness.Choices()}
	case res.Verdict == protocol.Bounded:
		v.Reason = fmt.Sprintf("the bound on states was hit after %d", res.States)
		if ctx.Err() != nil {
			v.Reason = fmt.Sprintf("ended after %d states", res.States) + endedBy(ctx)
		}
	}
	return a, nil
}

// nameLines gives a witness of the model, in which so many keys have sites, the source lines of what the
// workload has in the place of its sites and programs.
func (j *Job) nameLines(x *witness.Witness, keys int) {
	lines := j.Workload.Dealt(keys)
	for i := range x.Sites {
		if s := &x.Sites[i]; s.In == "" && s.Number < len(lines) {
			s.Source = lines[s.Number]
		}
	}
	for p := range min(len(x.Programs), len(j.Workload.Programs)) {
		x.Sources = append(x.Sources, j.Workload.Programs[p].Line(0))
	}
}

// exploreModel checks the shape that a job asks for, or, where that is too much, less. left says
// what the result leaves out then, and s is what was explored.
func exploreModel(ctx context.Context, x *exploration, j *Job) (s protocol.Subject, res *model.Result, left string, err error) {
	check := func(s protocol.Subject) (*model.Result, error) {
		return model.Check(s, model.Options{
			MaxStates: j.MaxStates, Progress: true,
			Stop: func(f model.Far) bool {
				x.far(f.States, f.Level, f.Depth)
				return ctx.Err() != nil
			},
		})
	}
	s = j.Subject
	s.Shape = shapeFor(j)
	res, err = check(s)
	if less := j.Subject.Shape.AtLeast(j.Needs); ctx.Err() == nil && s.Shape != less && tooMuch(res, err) {
		left = leftOut(s.Shape)
		s.Shape = less // less is something too
		res, err = check(s)
	}
	if err != nil || res.Verdict != protocol.Proved || j.Workload.Deep() == nil || j.Needs != (protocol.Shape{}) {
		return s, res, left, err
	}
	// Programs with sites and programs without: more pokes are more grace periods.
	own := s
	own.Shape.Deep = true
	more, err := check(own)
	if tooMuch(more, err) {
		return s, res, cmp.Or(left, leftOut(own.Shape)), nil
	}
	if err != nil {
		return s, nil, "", err
	}
	return own, joined(res, more), left, nil
}

// tooMuch reports whether the model has no room for what it was asked.
func tooMuch(r *model.Result, err error) bool {
	return errors.Is(err, model.ErrUnsupported) || err == nil && r.Verdict == protocol.Bounded
}

// leftOut says what is not covered by a check of less than the shape.
func leftOut(s protocol.Shape) string {
	const than = " than the model has room for"
	switch {
	case s.Deep:
		return "for programs without sites; with those that they have there are more sites, or states," + than
	case s.Indirect:
		return "for direct callers; with indirect ones there are more keys, or states," + than
	case s.Nested:
		return "for sites outside of subprograms; with those there are more states" + than
	}
	return "without what loads, unloads and other mutators do; with that there are more states" + than
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

// shapeFor is the shape that the model explores: the workload's, with those who read the map
// while they run, with returns into a caller whose subprograms have sites, and with what the
// lines of the protocol ask for that say something of copies and of mutators.
func shapeFor(j *Job) protocol.Shape {
	shape := j.Subject.Shape.AtLeast(j.Needs)
	if j.Workload.Indirect() {
		shape.Indirect = true
		shape.Keys = max(shape.Keys, len(j.Workload.Keys))
	}
	shape.Nested = shape.Nested || j.Workload.Nested()
	if j.Needs != (protocol.Shape{}) { // a mutant, which says what it needs
		return shape
	}
	if p := &j.Subject.Protocol; p.Load != nil || p.Unload != nil {
		shape.Copies = 1
	}
	if j.Subject.Protocol.Mutex != protocol.MutexMap {
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

// modelExplored is what the model went through: it may be asked about more than the workload has.
type modelExplored struct {
	Shape modelShape `json:"shape"`
}

// modelShape is a [protocol.Shape] as files name its fields. A field that is missing here does
// not compile: the two are converted into each other.
type modelShape struct {
	Threads  int  `json:"threads"` // that were explored
	Sites    int  `json:"sites"`
	Programs int  `json:"programs"`
	Keys     int  `json:"keys"`
	Indirect bool `json:"indirect,omitempty"`
	Same     bool `json:"same,omitempty"`
	Copies   int  `json:"copies,omitempty"`
	Mutators int  `json:"mutators,omitempty"`
	Nested   bool `json:"nested,omitempty"`
	Deep     bool `json:"deep,omitempty"`
	Maps     int  `json:"maps,omitempty"`
}

func (modelEngine) Explored() any { return &modelExplored{} }

// Replay takes the steps in the model, with the options that it was asked with.
func (modelEngine) Replay(_ context.Context, j *Job, explored any, choices []witness.Choice) (*Replayed, error) {
	s := j.Subject
	s.Shape = protocol.Shape(explored.(*modelExplored).Shape)
	if s.Shape.Threads < 1 { // for the model 0 means that it may choose
		return nil, fmt.Errorf("explored.shape.threads: %d: want 1 or more", s.Shape.Threads)
	}
	found, err := model.Replay(s, model.Options{Threads: s.Shape.Threads, Progress: true}, choices)
	switch {
	case errors.Is(err, model.ErrUnsupported):
		return nil, fmt.Errorf("explored.shape: %w", err)
	case errors.Is(err, model.ErrHolds):
		return nil, fmt.Errorf("%w: %w", ErrNotReplayed, err)
	case err != nil:
		return nil, fmt.Errorf("replay: %w", err)
	}
	j.nameLines(found, s.Shape.Keys)
	return &Replayed{Witness: found}, nil
}
