package judge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// An Engine judges subjects.
type Engine interface {
	Name() protocol.Engine
	// About says in a line what it runs, and what its answers may be.
	About() string
	// Live reports whether it runs on real CPUs: for a duration, with a seed, and with a trace.
	Live() bool
	// Properties are those that it judges of the default subject.
	Properties() []protocol.Property
	// Missing says what this machine lacks for it, or nil.
	Missing() error
	// Validate says what is wrong with a job. An error of Judge after a nil from here is a fault
	// of the harness or of the machine.
	Validate(*Job) error
	// Judge gives the engine's row. If the context ends, it says what was seen until then.
	Judge(context.Context, *Job) (Answer, error)
}

// Engines lists the engines in the order in which they are asked.
func Engines() []Engine {
	return []Engine{modelEngine{}, machineEngine{}, cpuEngine{}, kernelEngine{}, steeredEngine{}}
}

// Usual are the engines that are asked where none is named: all that need no kernel of their own.
func Usual() []Engine {
	return slices.DeleteFunc(Engines(), func(e Engine) bool { return e.Name() == protocol.Steered })
}

// ByName returns an engine, or nil.
func ByName(e protocol.Engine) Engine {
	all := Engines()
	if i := slices.IndexFunc(all, func(x Engine) bool { return x.Name() == e }); i >= 0 {
		return all[i]
	}
	return nil
}

// Answer is what an engine says.
type Answer struct {
	report.Verdict
	Recorded *Recorded // of a violation that a [Replayer] can show again
}

// Recorded is what leads to a violation, as a file keeps it.
type Recorded struct {
	Subject  *protocol.Subject // that is another one than the job's; nil: it is not
	Explored any               // what the subject does not say of what was explored
	Choices  []witness.Choice
}

// A Replayer is an engine whose witnesses can be shown again.
type Replayer interface {
	Engine
	// Explored is a pointer to what [Recorded] has there, to be read from a file.
	Explored() any
	// Replay takes the choices again. The error wraps [ErrNotReplayed] if they break nothing.
	Replay(ctx context.Context, j *Job, explored any, choices []witness.Choice) (*Replayed, error)
}

// ErrNotReplayed says that the steps of a witness can be taken again, and do not end in the
// violation that the file says.
var ErrNotReplayed = errors.New("the witness does not end in what was recorded")

// Replayed is a witness whose steps were taken again.
type Replayed struct {
	Witness *witness.Witness
	OnCPU   func() (*report.Stepped, error) // takes them on real CPUs; nil: they are no instructions
}

// Ask has an engine judge a job. One for which the process lacks files or memory judges nothing; in a
// process that is for the job alone that is an error, as another process may have more.
func Ask(ctx context.Context, e Engine, j *Job) (Answer, error) {
	start := time.Now()
	a, err := answer(ctx, e, j)
	if lack := live.Lack(err); lack != nil {
		err = fmt.Errorf("%w: ulimit -a shows what this process may have", lack)
		if !j.Alone {
			a, err = skipped(err.Error()), nil
		}
	}
	if err != nil {
		return a, err
	}
	a.Engine, a.Seconds = e.Name(), time.Since(start).Seconds()
	for i := range a.Findings {
		a.Findings[i].Engine = e.Name()
	}
	return a, nil
}

// answer has an engine judge a job. A kernel finds sites that nobody else knows.
func answer(ctx context.Context, e Engine, j *Job) (Answer, error) {
	if err := j.Workload.Check(); err != nil && e.Name() != protocol.Kernel {
		return unsupported(err.Error() + "; the kernel engine finds out whether a kernel has one"), nil
	}
	return e.Judge(ctx, j)
}

// The answers of an engine that judges nothing.
func unsupported(reason string) Answer { return without(protocol.Unsupported, reason) }
func skipped(reason string) Answer     { return without(protocol.Skipped, reason) }

func without(v protocol.Verdict, reason string) Answer {
	return Answer{Verdict: report.Verdict{Verdict: v, Reason: reason}}
}
