package stress

import (
	"context"

	"tailpoke/jit/exec"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// Workload is what threads execute, and what its keys may be given.
type Workload = workload.Workload

// DefaultWorkload is the program of the main job, which clang compiled.
func DefaultWorkload() *Workload { return workload.Default() }

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
