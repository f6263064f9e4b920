package stress

import (
	"errors"
	"fmt"
	"slices"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/kernel"
)

// Validate says what is wrong with the input of [Run], without running anything: an
// error of Run behind a nil from here is a fault of the harness or of the machine.
func Validate(s protocol.Subject, t *Workload, o Options) error {
	layout, err := o.check(s, t)
	if err != nil {
		return err
	}
	if o.Engines != nil && !slices.ContainsFunc(o.Engines, executes) {
		return nil
	}
	if _, err := t.Images(layout); err != nil {
		return err
	}
	if _, err := t.Oracle(layout, t.Context); err != nil && !errors.Is(err, interp.ErrBounded) {
		return err // a bound is a verdict, see judgeCPU
	}
	copies := 0
	for i, c := range o.Script {
		switch c.Kind {
		case protocol.Load:
			copies++
		case protocol.Unload:
			copies = max(0, copies-1)
		}
		if copies >= exec.MaxEntries {
			return fmt.Errorf("call %d of the script (%v): threads execute at most %d copies", i+1, c, exec.MaxEntries-1)
		}
		if c.Key >= len(t.Keys) || c.Prog >= len(t.Programs) {
			return fmt.Errorf("call %d of the script (%v): there are %d keys and %d programs", i+1, c, len(t.Keys), len(t.Programs))
		}
	}
	return nil
}

// executes says whether an engine runs images of ours, and must know what they may return.
func executes(e Engine) bool { return e == protocol.Machine || e == protocol.CPU }

// check looks at what every engine needs, and finds the layout.
func check(s protocol.Subject, t *Workload) (*jit.Layout, error) {
	if n := s.Shape.Threads; n < 1 || n > exec.MaxThreads {
		return nil, fmt.Errorf("%d threads: want 1 to %d", n, exec.MaxThreads)
	}
	layout, err := jit.LayoutByName(s.Layout)
	if err != nil {
		return nil, err
	}
	return layout, t.Check()
}

// check looks at what the engines need that are asked.
func (o *Options) check(s protocol.Subject, t *Workload) (*jit.Layout, error) {
	layout, err := check(s, t)
	if err == nil && o.asks(protocol.CPU) {
		err = t.Traceable()
	}
	return layout, err
}

// Missing says what this machine lacks for an engine, or nil.
func Missing(e Engine) error {
	switch e {
	case protocol.CPU:
		return exec.Supported()
	case protocol.Kernel:
		return kernel.Supported()
	}
	return nil
}
