package main

import (
	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

const explainLong = `Examples:

  stress explain never-a
  stress explain vacuous
  stress explain A
  stress explain early-grace

explain prints a page on what has a name: a property, a verdict, a state of a site, a
mutant, an engine, and all else that stress list prints.`

func newExplain() *cobra.Command {
	o := &output{}
	cmd := &cobra.Command{
		Use: "explain NAME", Short: "Say what a name means, and what can be done", Long: explainLong,
		Args: takes(1, 1), ValidArgsFunction: complete(allNames),
	}
	cmd.RunE = o.answer(func(_ *cobra.Command, args []string) (*report.Document, error) {
		text, err := stress.Explain(args[0])
		if err != nil {
			return nil, usage(err)
		}
		return listed("explain", args[0], text), nil
	})
	o.flags(cmd.Flags())
	return cmd
}
