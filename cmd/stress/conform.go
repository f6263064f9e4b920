package main

import (
	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

const conformLong = `Examples:

  stress run --sites 2 --duration 1s --trace t.txt
  stress conform t.txt
  stress conform t.txt --protocol batched --expect violated

conform checks whether a recorded trace is a behaviour of the model: what an engine's patcher
did, event by event, and what an observer read in memory between two of them. Its first line
says the subject, where flags do not. The whole trace
must be; the first item that is not is named, with what the model allows in its place. The
grammar stands at Trace in patcher/protocol/trace.go; FILE is - for standard input. It exits
with 0 if the trace conforms, 1 if it does not, 2 if it cannot be read and 5 if there is
nothing in it, or more than the model has room for.`

// maxTraceText bounds a trace's text, in bytes.
const maxTraceText = 64 << 20

// conform is the verb of that name.
type conform struct {
	output
	subjectFlags
}

func newConform() *cobra.Command {
	c := &conform{}
	cmd := &cobra.Command{
		Use: "conform FILE", Short: "Check a recorded trace against the model", Long: conformLong,
		Args: takes(1, 1), RunE: c.answer(c.check),
	}
	f := cmd.Flags()
	c.protocolFlags(f)
	c.targetFlags(f)
	c.expectFlag(f)
	c.flags(f)
	return cmd
}

func (c *conform) check(cmd *cobra.Command, args []string) (*report.Document, error) {
	text, err := readAll(cmd, args[0], maxTraceText)
	if err != nil {
		return nil, usage(err)
	}
	c.file, c.about = args[0], text
	choice, err := c.settled(cmd)
	if err != nil {
		return nil, err
	}
	d, err := stress.CheckTrace(choice, args[0], text)
	if err != nil {
		return nil, usage(c.placed(cmd, err))
	}
	return d, nil
}

// openTrace makes the file that --trace names.
func (j *judging) openTrace(cmd *cobra.Command, o *stress.Options) (closeFile func() error, err error) {
	if j.trace == "" {
		return func() error { return nil }, nil
	}
	f, err := create(cmd, j.trace)
	if err != nil {
		return nil, err
	}
	o.Trace = f
	return f.Close, nil
}
