package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

// The exit codes. exitHelp says the same to users.
const (
	codeHolds     = 0
	codeViolated  = 1
	codeUsage     = 2
	codeFailed    = 3
	codeMissing   = 4
	codeNoVerdict = 5
	codeSignal    = 128 // and the signal's number
)

const exitHelp = `Exit codes:

    0  the properties hold, as far as the engines can say; mutants: all got the verdicts that they must get
    1  a property is violated; mutants: some mutant did not get the verdict that it must get; affected: the kernel has a fault
    2  the command line, a file or a value is wrong
    3  the harness itself failed, or its engines disagree; soak: a round died, hung or grew
    4  this machine lacks what a --require engine needs, what every chosen engine needs, or --layout running
    5  no verdict: a bound was hit, or nothing overlapped and so nothing was tested
  129  ended by SIGHUP; the report says what was seen until then
  130  interrupted by SIGINT, likewise
  143  terminated by SIGTERM, likewise

--expect violated turns 0 and 1 round.`

// newExitCodes is a topic of the help and no verb.
func newExitCodes() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitHelp}
}

// exit is an error that carries its exit code. An error that is none comes from cobra
// and is a fault of the command line.
type exit struct {
	code int
	err  error // nil: the report has said it all
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

func usage(err error) error { return &exit{codeUsage, err} }

// refused is the exit of a choice: what is wrong with it, or what this machine lacks for it.
func refused(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return &exit{codeMissing, err}
	}
	return usage(err)
}

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

func failed(err error) error { return &exit{codeFailed, err} }

// exitCode prints an error on one line and returns the code for the process.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return codeHolds
	}
	code := codeUsage
	if e, ok := errors.AsType[*exit](err); ok {
		code, err = e.code, e.err
	}
	if err != nil {
		fmt.Fprintf(stderr, "stress: %s\n", render.Printable(oneLine(err.Error())))
	}
	return code
}

// oneLine puts cobra's list of suggestions, and errors of several lines, on one.
func oneLine(text string) string {
	text = strings.TrimSpace(text)
	text = strings.Replace(text, "\n\nDid you mean this?\n", "; did you mean ", 1)
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\t' })
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return strings.TrimSuffix(strings.Join(fields, " "), "; did you mean ")
}

// exitOf makes the exit of a document: nil where what it says is what was expected.
func exitOf(d *report.Document) error {
	switch d.Verdict {
	case report.Disagree: // whatever was expected
		return &exit{codeFailed, nil}
	case "", cmp.Or(d.Expect, report.Holds):
		return nil
	case report.NoAnswer:
		return &exit{codeNoVerdict, nil}
	}
	return &exit{codeViolated, nil}
}

// missing is the exit of a document in which a required engine gave no answer, or none could be
// asked; else nil.
func missing(d *report.Document) error {
	var all []string
	for _, v := range d.Verdicts {
		if d.Lacks(&v) {
			return &exit{codeMissing, fmt.Errorf("the required engine %s gave no answer (%s): %s", v.Engine, v.Verdict, v.Reason)}
		}
		if v.Verdict == "skipped" {
			all = append(all, fmt.Sprintf("the %s engine is missing: %s", v.Engine, v.Reason))
		}
	}
	if len(all) == len(d.Verdicts) {
		return &exit{codeMissing, errors.New(strings.Join(all, "; "))}
	}
	return nil
}
