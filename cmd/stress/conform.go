package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

const conformLong = `Examples:

  stress run --sites 2 --duration 1s --trace t.txt
  stress conform t.txt --sites 2
  stress conform t.txt --sites 2 --protocol batched --expect violated

conform checks whether a recorded trace is a behaviour of the model: what an engine's patcher
did, event by event, and what an observer read in memory between two of them. The whole trace
must be; the first item that is not is named, with what the model allows in its place. The
grammar stands at Trace in patcher/protocol/trace.go; FILE is - for standard input. It exits
with 0 if the trace conforms, 1 if it does not, 2 if it cannot be read and 5 if there is
nothing in it, or more than the model has room for.`

// maxTraceText bounds a trace's text, in bytes.
const maxTraceText = 64 << 20

// conform is the verb of that name.
type conform struct {
	subjectFlags
	expect verdict
	json   bool
}

func newConform() *cobra.Command {
	c := &conform{expect: verdict(report.Holds)}
	cmd := &cobra.Command{
		Use: "conform FILE", Short: "Check a recorded trace against the model", Long: conformLong,
		Args: cobra.ExactArgs(1), RunE: c.runE,
	}
	f := cmd.Flags()
	c.protocolFlags(f)
	c.targetFlags(f)
	f.Var(&c.expect, "expect", "verdict that exits with 0: holds or violated")
	f.BoolVar(&c.json, "json", false, "print one JSON object")
	return cmd
}

func (c *conform) runE(cmd *cobra.Command, args []string) error {
	text, err := readTrace(cmd, args[0])
	if err != nil {
		return usage(err)
	}
	r, err := stress.CheckTrace(c.chosen(), args[0], text)
	if err != nil {
		return usage(err)
	}
	if c.json {
		err = printJSON(cmd.OutOrStdout(), r)
	} else {
		err = printText(cmd.OutOrStdout(), traceText(r))
	}
	switch {
	case err != nil:
		return failed(err)
	case r.Verdict == report.NoAnswer:
		return &exit{codeNoVerdict, nil}
	case r.Verdict != report.Overall(c.expect):
		return &exit{codeViolated, nil}
	}
	return nil
}

// readTrace reads a file, or standard input for "-".
func readTrace(cmd *cobra.Command, name string) (string, error) {
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxTraceText+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > maxTraceText {
		return "", fmt.Errorf("%s: longer than %d bytes", name, maxTraceText)
	}
	return string(text), nil
}

// traceText is a trace's report for people.
func traceText(r *report.TraceCheck) string {
	var b strings.Builder
	fmt.Fprintf(&b, "subject  %s\n", subjectText(r.Subject))
	fmt.Fprintf(&b, "trace    %s, %s; ", counted(uint64(r.Events), "event"), counted(uint64(r.Observations), "observation"))
	switch r.Verdict {
	case report.Holds:
		b.WriteString("all consumed\n")
	case report.Violated:
		fmt.Fprintf(&b, "%s consumed\n", grouped(uint64(r.Consumed)))
		fmt.Fprintf(&b, "    line %d: %s\n", r.Line, r.Item)
		for i, a := range r.Allowed {
			word := "or"
			if i == 0 {
				word = "the model allows"
			}
			fmt.Fprintf(&b, "    %s: %s\n", word, a)
		}
		if len(r.Allowed) == 0 {
			b.WriteString("    the model allows nothing more\n")
		}
	default:
		fmt.Fprintf(&b, "%s\n", r.Reason)
	}
	fmt.Fprintf(&b, "%s\n", r.Verdict)
	return b.String()
}

// traceFigures says in the row of an engine what became of its trace.
func traceFigures(t *report.Trace) string {
	text := counted(t.Events-t.Omitted, "event") + ", "
	if t.Conforms {
		text = "trace conforms: " + text + "all consumed"
	} else {
		text = "trace: " + text + grouped(t.Consumed) + " consumed: " + t.Reason
	}
	if t.Omitted > 0 {
		text += fmt.Sprintf("; %s more were omitted", grouped(t.Omitted))
	}
	return text
}

// openTrace makes the file that --trace names.
func (j *judging) openTrace(o *stress.Options) (closeFile func() error, err error) {
	if j.trace == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(j.trace)
	if err != nil {
		return nil, err
	}
	o.Trace = f
	return f.Close, nil
}
