package main

import (
	"github.com/spf13/cobra"

	"tailpoke/stress"
)

const regressionLong = `Examples:

  stress regression
  stress regression hierarchy_1 sockex3
  stress regression --json

regression carries out the tail-call regression cases of the kernel's tests and samples, written
anew: in the interpreter, as machine code in the layout of every era, and in the running
kernel. A cell is ok if the case gives what that era truly gave, faults included: the properties
that it is known to break must be found broken. It exits with 1 if a cell is not as expected.`

func newRegression() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "regression [CASE...]", Short: "The kernel's tail-call cases, in the layout of every era", Long: regressionLong,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return stress.RegressionNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		rep, err := stress.Regression(cmd.Context(), args)
		stopped := interrupted(cmd.Context())
		switch {
		case rep == nil:
			return usage(err)
		case err != nil && stopped == nil:
			return failed(err)
		}
		if asJSON {
			err = printJSON(cmd.OutOrStdout(), rep)
		} else {
			err = writeRegression(cmd.OutOrStdout(), rep)
		}
		switch {
		case err != nil:
			return failed(err)
		case stopped != nil:
			return stopped
		case !rep.Agree:
			return &exit{codeViolated, nil}
		}
		return nil
	}
	return cmd
}
