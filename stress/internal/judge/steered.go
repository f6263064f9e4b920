package judge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tailpoke/internal/vm"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/steered"
	"tailpoke/stress/report"
)

// steeredEngine asks package steered, about the kernel that the context has: [vm.WithKernel]. What it
// runs are callers of its own.
type steeredEngine struct{}

func (steeredEngine) Name() protocol.Engine { return protocol.Steered }
func (steeredEngine) Live() bool            { return false }
func (steeredEngine) Missing() error        { return nil }
func (steeredEngine) Validate(*Job) error   { return nil }

func (steeredEngine) About() string {
	return "an unmodified kernel in a virtual machine, held and let go move by move, through every schedule within bounds: safe, violated or vacuous"
}

func (steeredEngine) Properties() []protocol.Property { return steeredProperties }

// steeredProperties are what it judges: what the model says of the executions that the kernel took, that
// the kernel does what the model says, and that it lives.
var steeredProperties = []protocol.Property{
	protocol.NeverA, protocol.NoMiss, protocol.Fresh, protocol.Conformance, protocol.KernelLives,
}

// sleepableProtocol is that of kernels in which sleepable programs tail call.
const sleepableProtocol = "kernel-7.0"

func (e steeredEngine) Judge(ctx context.Context, j *Job) (Answer, error) {
	machine, ok := vm.KernelOf(ctx)
	if !ok {
		return skipped("needs a kernel to steer: stress vm --kernel FILE -- run --engine steered"), nil
	}
	s := j.Subject
	sleepable, err := protocol.ProtocolByName(sleepableProtocol)
	if err != nil {
		return Answer{}, err
	}
	if other := notTheKernels(s); other != "" && !s.Protocol.Same(sleepable) {
		return unsupported(other), nil
	}
	o := steered.Options{Machine: machine, Subject: s, Readers: min(s.Shape.Threads, steered.MaxReaders), Whole: j.Whole}
	if j.Sleepable != "" {
		o.Sleepable, o.Subject.Protocol = true, sleepable
		if op, ok := protocol.OpByName(j.Sleepable); ok {
			o.Ops = []protocol.OpKind{op}
		}
	}
	if j.Progress != nil {
		start := time.Now()
		o.Progress = func(taken int) {
			j.Progress(report.Progress{Engine: protocol.Steered, Seconds: time.Since(start).Seconds(), Steers: true, Schedules: uint64(taken)})
		}
	}
	res, err := steered.Run(ctx, o)
	switch {
	case errors.Is(err, vm.ErrMissing) || errors.Is(err, errors.ErrUnsupported):
		return skipped(err.Error()), nil
	case err != nil:
		return Answer{}, fmt.Errorf("the steered kernel: %w", err)
	}
	return steeredAnswer(&o, res), nil
}

// steeredAnswer puts a result in the report's words.
func steeredAnswer(o *steered.Options, res *steered.Result) Answer {
	a := Answer{Verdict: report.Verdict{Verdict: protocol.Safe, Properties: steeredProperties, Steered: &res.SteeredCounts}}
	for _, b := range res.Broken {
		a.Findings = append(a.Findings, report.Finding{
			Property: b.Property, During: b.Ops, Place: report.Place{Who: "reader of " + b.Caller},
			Text: b.Schedule + ": " + b.Text, Count: b.Count, Log: b.Log,
		})
	}
	switch {
	case len(res.Broken) > 0:
		first := res.Broken[0]
		a.Verdict.Verdict, a.Property = protocol.Violated, first.Property
		if a.Witness = first.Witness; a.Witness != nil {
			s := o.Subject
			s.Shape.Threads = a.Witness.Threads
			a.Recorded = &Recorded{&s, &modelExplored{modelShape(s.Shape)}, a.Witness.Choices()}
		}
	case res.Schedules == 0:
		a.Verdict.Verdict, a.Reason = protocol.Vacuous, cmp.Or(res.Ended, refusals(res.Refused), "no schedule was taken")
	case res.Ended != "":
		a.Verdict.Verdict, a.Reason = protocol.Bounded, "not every schedule was taken: "+res.Ended
	case len(res.Once) > 0:
		a.Verdict.Verdict, a.Reason = protocol.Bounded, "the kernel went wrong in a schedule that did not end so when it was taken again: "+strings.Join(res.Once, "; ")
	default:
		a.Reason = res.Bound
	}
	return a
}

// refusals says why callers are not there.
func refusals(refused map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		out = append(out, name+": "+refused[name])
	}
	return strings.Join(out, "; ")
}

func (steeredEngine) Explored() any { return modelEngine{}.Explored() }

// Replay takes the steps in the model: they are its own.
func (steeredEngine) Replay(ctx context.Context, j *Job, explored any, choices []witness.Choice) (*Replayed, error) {
	return modelEngine{}.Replay(ctx, j, explored, choices)
}
