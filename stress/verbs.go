package stress

import (
	"context"
	"io"

	"tailpoke/jit/exec"
	"tailpoke/model/promela"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/catalogue"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/search"
	"tailpoke/stress/report"
)

// Search puts every short text of an operation in the place of the subject's own, has the model
// judge it, and ranks those that are safe. If ctx ends, the report has what was judged until then.
func Search(ctx context.Context, s protocol.Subject, o SearchOptions) (*report.Search, error) {
	return search.Run(ctx, s, o)
}

// SearchOptions says what is searched for.
type SearchOptions = search.Options

// MaxSearchSteps bounds the steps of an operation that is searched for.
const MaxSearchSteps = search.MaxSteps

// Regression carries the regression cases of these names out, or all of them without names, in
// every column that this machine can have.
func Regression(ctx context.Context, names []string) (*report.Regression, error) {
	return regress.Table(ctx, names)
}

// RegressionNames lists the cases.
func RegressionNames() []string { return regress.Names() }

// Plugin is one program to run, as a plugin of the suite bpf_conformance is given it.
type Plugin = regress.Plugin

// ErrExecution says that a program is well formed, and that its execution went wrong.
var ErrExecution = regress.ErrExecution

// ErrNoExec says that this machine cannot execute images.
var ErrNoExec = exec.ErrUnsupported

// Identity compares the images of programs with the running kernel's, byte for byte: those of an
// object file, or, without one, of a corpus with so many random programs of a seed.
func Identity(object string, seed uint64, random int) (*report.Identity, error) {
	return catalogue.Identity(object, seed, random)
}

// ErrNoKernel says that there is no kernel here whose images could be compared.
var ErrNoKernel = identity.ErrUnsupported

// Doctor tries what this machine can do.
func Doctor() *report.Doctor { return catalogue.Doctor() }

// Machine says what this machine is.
func Machine() report.Machine { return catalogue.Machine() }

// CatalogKinds lists what [Catalog] knows.
func CatalogKinds() []string { return catalogue.Kinds() }

// Catalog lists the items of a kind in their own order; nil for a kind that is none.
func Catalog(kind string) []report.Item { return catalogue.Items(kind) }

// WritePromela writes the subject, in the workload's shape but for its threads, as a model
// for the model checker Spin. The error is a fault of the input, or what w answers.
func WritePromela(w io.Writer, s protocol.Subject, t *Workload) error {
	if _, err := check(s, t); err != nil {
		return err
	}
	s.Shape = t.Shape(s.Shape.Threads)
	return promela.Write(w, s, s.Shape.Threads)
}
