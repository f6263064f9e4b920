package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

const pluginLong = `Examples:

  echo 'b7 00 00 00 2a 00 00 00 95 00 00 00 00 00 00 00' | stress plugin
  echo '61 10 00 00 00 00 00 00 95 00 00 00 00 00 00 00' | stress plugin '01 02 03 04' --interp

plugin runs one program, as a plugin of the public suite bpf_conformance, which wants a program of its own
as plugin: scripts/conformance is that program. The memory that r1 points to, and whose size r2
has, is the argument, the program comes from standard input, both as bytes in hexadecimal;
r0 is printed in hexadecimal. It exits with 1 if the execution went wrong, with 2 if the program
is none.`

// maxProgramText bounds the program's text, in bytes: three for each byte of the largest program.
const maxProgramText = 3 * 8 << 16

// plugin is the verb of that name.
type plugin struct {
	output
	layout string
	interp bool
}

func newPlugin() *cobra.Command {
	c := &plugin{layout: "v6.12"}
	cmd := &cobra.Command{
		Use: "plugin [MEMORY]", Short: "Run one program, as a plugin of bpf_conformance", Long: pluginLong,
		Args: takes(0, 1), RunE: c.answer(c.run),
	}
	f := cmd.Flags()
	f.StringVar(&c.layout, "layout", c.layout, "layout of the image: see stress list layouts, or running")
	f.BoolVar(&c.interp, "interp", false, "run the interpreter, not the image")
	c.flags(f)
	return cmd
}

func (c *plugin) run(cmd *cobra.Command, args []string) (*report.Document, error) {
	memory := ""
	if len(args) > 0 {
		memory = args[0]
	}
	text, err := readAll(cmd, "-", maxProgramText)
	if err != nil {
		return nil, usage(fmt.Errorf("program: %w", err))
	}
	layout, err := stress.Choice{Layout: c.layout}.Settle()
	if err != nil {
		return nil, refused(err)
	}
	c.layout = layout.Layout
	r0, err := stress.Plugin{Memory: memory, Program: text, Layout: c.layout, Interp: c.interp}.Run(cmd.Context())
	switch stopped := interrupted(cmd.Context()); {
	case stopped != nil:
		return nil, stopped
	case errors.Is(err, stress.ErrExecution):
		return nil, &exit{codeViolated, err}
	case errors.Is(err, errors.ErrUnsupported):
		return nil, &exit{codeMissing, err}
	case err != nil:
		return nil, usage(err)
	}
	return listed("plugin", "r0", fmt.Sprintf("%x\n", r0)), nil
}
