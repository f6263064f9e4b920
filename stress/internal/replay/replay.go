package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tailpoke/internal/bundle"
	"tailpoke/internal/vm"
	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/steered"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// Failure is an error that is no fault of the file: its steps do not end in the violation that it
// says, or this machine failed to take them on real CPUs.
type Failure struct{ Err error }

// Error says why.
func (e *Failure) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *Failure) Unwrap() error { return e.Err }

// Run takes the steps of a witness file again, of the machine engine on images that are compiled
// anew; asks the other of that engine and the model about the same subject; and takes the steps of
// the machine engine on real CPUs. An error is a fault of the file, and names its line and column
// or its field, if it is no [*Failure]. If ctx ends, the other engine's verdict is bounded.
func Run(ctx context.Context, path string) (*report.Document, error) {
	raw, err := workload.ReadRegular(path, maxBundle)
	if err != nil {
		return nil, err
	}
	var of *report.Bundled
	if bundle.Is(raw) {
		b, err := bundle.Read(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if raw = b.Files[bundle.Witness]; raw == nil {
			return again(ctx, path, b)
		}
		path, of = path+": "+bundle.Witness, b.Bundled()
	}
	if n := len(raw); n > maxBytes {
		return nil, fmt.Errorf("%s: %d bytes are more than %d", path, n, maxBytes)
	}
	f, engine, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	d, err := f.replay(ctx, engine)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d.Bundled = of
	return d, nil
}

func (f *file) replay(ctx context.Context, engine judge.Replayer) (*report.Document, error) {
	j, err := f.job()
	if err != nil {
		return nil, err
	}
	found, err := engine.Replay(ctx, j, f.Explored, f.Choices)
	if errors.Is(err, judge.ErrNotReplayed) {
		return nil, &Failure{err}
	}
	if err != nil {
		return nil, err
	}
	shown := found.Witness
	if shown.Property != f.Property {
		return nil, &Failure{fmt.Errorf("%w: %d steps break %s (%s), not %s",
			judge.ErrNotReplayed, len(f.Choices), shown.Property, shown.Text, f.Property)}
	}
	r := &report.Replay{
		Engine: f.Engine, Property: shown.Property, Text: shown.Text, Steps: len(f.Choices), Cycle: shown.Cycle,
		Witness: shown,
	}
	if kernel, ok := vm.KernelOf(ctx); ok {
		r.CPU = &report.Stepped{Outcome: report.NotStepped, Steps: r.Steps, Text: "a kernel was asked"}
		if r.Kernel, err = steered.Follow(ctx, kernel, shown); err != nil {
			return nil, &Failure{fmt.Errorf("the steered kernel: %w", err)}
		}
		return j.Document(r), nil
	}
	if f.Engine == protocol.Model {
		r.Machine, err = askAlso(ctx, protocol.Machine, j)
	} else {
		r.Model, err = askAlso(ctx, protocol.Model, j)
	}
	if err != nil {
		return nil, err
	}
	if r.CPU, err = onCPU(r, found); err != nil {
		return nil, err
	}
	return j.Document(r), nil
}

// job makes the subject and the workload that a file is about.
func (f *file) job() (*judge.Job, error) {
	s := protocol.Subject{Layout: f.Subject.Layout, Shape: protocol.Shape{Threads: f.Subject.Threads}}
	var err error
	if s.Protocol, err = protocol.ParseProtocol(f.Subject.Protocol); err != nil {
		return nil, fmt.Errorf("subject.protocol:%w", err)
	}
	if s.Method, err = protocol.ParseMethod(f.Subject.Method); err != nil {
		return nil, fmt.Errorf("subject.method:%w", err)
	}
	if s.Grace, err = f.grace(); err != nil {
		return nil, fmt.Errorf("subject.grace: %w", err)
	}
	if _, err = jit.LayoutByName(s.Layout); err != nil {
		return nil, fmt.Errorf("subject.layout: %w", err)
	}
	w, err := f.Source.Workload(regress.Workload)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	j, err := judge.NewJob(s, w, judge.Options{})
	if err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	return j, nil
}

// grace finds the grace-period flavour of a file. The model has some of its own.
func (f *file) grace() (protocol.Grace, error) {
	own := protocol.ModelGraces()
	i := slices.IndexFunc(own, func(g protocol.Grace) bool { return g.Name == f.Subject.Grace })
	if f.Engine == protocol.Model && i >= 0 {
		return own[i], nil
	}
	return protocol.GraceByName(f.Subject.Grace)
}

// askAlso asks an engine about the subject of another one's witness, which it may not be able to judge.
func askAlso(ctx context.Context, name protocol.Engine, j *judge.Job) (*report.Verdict, error) {
	e := judge.ByName(name)
	reason := ""
	if g := j.Subject.Grace; name != protocol.Model && slices.Contains(protocol.ModelGraces(), g) {
		reason = fmt.Sprintf("grace %s is one that the model alone carries out", g.Name)
	} else if err := e.Validate(j); err != nil {
		reason = err.Error()
	}
	if reason != "" {
		return &report.Verdict{Engine: name, Verdict: protocol.Unsupported, Reason: reason}, nil
	}
	a, err := judge.Ask(ctx, e, j)
	if err != nil {
		return nil, fmt.Errorf("the %s engine: %w", name, err)
	}
	return &a.Verdict, nil
}

// onCPU takes the steps of a witness on real CPUs, if they are instructions.
func onCPU(r *report.Replay, found *judge.Replayed) (*report.Stepped, error) {
	if found.OnCPU == nil {
		text := "a witness of the model has no instructions"
		if r.Other().Verdict == protocol.Violated {
			text += "; stress run --engine machine --witness gives one that has"
		}
		return &report.Stepped{Outcome: report.NotStepped, Steps: r.Steps, Text: text}, nil
	}
	stepped, err := found.OnCPU()
	if err != nil {
		return nil, &Failure{fmt.Errorf("on real CPUs: %w", err)}
	}
	return stepped, nil
}
