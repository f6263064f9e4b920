package stress

import (
	"context"
	"io"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/catalogue"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/replay"
	"tailpoke/stress/internal/search"
	"tailpoke/stress/report"
)

// Replay shows the violation of a witness file again. An error is a fault of the file, if it is no
// [*ReplayFailure].
func Replay(ctx context.Context, path string) (*report.Document, error) { return replay.Run(ctx, path) }

// ReplayFailure is an error that is no fault of the file: its steps do not end in the violation
// that it says, or this machine failed to take them on real CPUs.
type ReplayFailure = replay.Failure

// CheckTrace holds a trace against the model of the subject that the choice names. Errors are
// faults of the choice, or of the text and then have the file's name, line and column.
func CheckTrace(c Choice, file, text string) (*report.Document, error) {
	s, w, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	j, err := judge.NewJob(s, w, judge.Options{})
	if err != nil {
		return nil, err
	}
	return judge.CheckTrace(j, file, text)
}

// WritePromela writes the subject, in the workload's shape but for its threads, as a model
// for the model checker Spin. The error is a fault of the input, or what out answers.
func WritePromela(out io.Writer, s protocol.Subject, w *Workload) error {
	j, err := judge.NewJob(s, w, judge.Options{})
	if err != nil {
		return err
	}
	return judge.WritePromela(out, j)
}

// Search puts every short text of an operation in the place of the subject's own, has the model
// judge it, and ranks those that are safe. If ctx ends, it has what was judged until then.
func Search(ctx context.Context, s protocol.Subject, o SearchOptions) (*report.Search, error) {
	return search.Run(ctx, s, search.Options(o))
}

// MaxSearchSteps bounds the steps of an operation that is searched for.
const MaxSearchSteps = search.MaxSteps

// SearchOptions says what is searched for.
type SearchOptions struct {
	Op    string // the operation that is varied, or "all" for each in turn; the others stay
	Steps int    // most steps of the operation, 1 to MaxSearchSteps
	Sites int    // that costs are ranked for, from 1
	// Progress, if set, is called after each candidate, by one goroutine at a time.
	Progress func(op string, judged, candidates int)
}

// Regression carries the regression cases of these names out, or all of them without names, in
// every column that this machine can have. told, if set, is told before each how many are done.
func Regression(ctx context.Context, names []string, told func(done, all int)) (*report.Regression, error) {
	return regress.Table(ctx, names, told)
}

// RunningKernel is the kernel that this process runs on, for what is asked of no other. Errors are
// [errors.ErrUnsupported] where it cannot be asked.
type RunningKernel struct{}

// Identity compares the images of programs with the kernel's, byte for byte: those of object files,
// and of those in folders, or, without any, of a corpus with so many random programs of a seed. If ctx
// ends, it has what was compared until then. told, if set, is told how many objects of several are
// done, else before each program how many are.
func (RunningKernel) Identity(ctx context.Context, files []string, seed uint64, random int, told func(done, all int)) (*report.Identity, error) {
	return catalogue.Identity(ctx, files, seed, random, told)
}

// Affected asks the kernel which of the known faults of tail calls it has, those of these names or
// all, each by an experiment: a race for that time, and what may end the kernel only where that is
// wanted. begins, if set, is called before each, with what was found until then. With no report the
// error may be a fault of the names. If ctx ends, the report has what was asked until then.
func (RunningKernel) Affected(ctx context.Context, names []string, dangerous bool, race time.Duration,
	begins func(row report.AffectedFault, before *report.Affected)) (*report.Affected, error) {
	return catalogue.Affected(ctx, names, dangerous, race, begins)
}

// Plugin is one program to run, as a plugin of the suite bpf_conformance is given it. The error of
// its run is [errors.ErrUnsupported] where images cannot be executed.
type Plugin = regress.Plugin

// ErrExecution says that a program is well formed, and that its execution went wrong.
var ErrExecution = regress.ErrExecution

// Doctor tries what this machine can do.
func Doctor() *report.Doctor { return catalogue.Doctor() }

// Machine says what this machine is.
func Machine() report.Machine { return catalogue.Machine() }

// Catalogue is what there is to choose from, by kind and name.
func Catalogue() *report.Catalogue { return catalogue.All() }

// Explain is a page on what has a name: a property, a verdict, a state, a mutant and all else that
// [Catalogue] lists.
func Explain(name string) (string, error) { return catalogue.Explain(name) }

// LoadScript reads a script from a file, or from in if that is called "-", and returns its text too.
// An error in it names line and column.
func LoadScript(path string, in io.Reader) (s protocol.Script, text string, err error) {
	return catalogue.Script(path, in)
}
