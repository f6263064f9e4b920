package main

import (
	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
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
	o := &output{}
	cmd := &cobra.Command{
		Use: "regression [CASE...]", Short: "The kernel's tail-call cases, in the layout of every era", Long: regressionLong,
		ValidArgsFunction: complete(namesOf("cases")),
	}
	cmd.RunE = o.answer(func(cmd *cobra.Command, args []string) (*report.Document, error) {
		table, err := stress.Regression(cmd.Context(), args, o.told(cmd, "cases"))
		switch {
		case table == nil:
			return nil, usage(err)
		case err != nil && interrupted(cmd.Context()) == nil:
			return nil, failed(err)
		}
		return report.New(table), nil
	})
	o.progressFlag(cmd.Flags(), shortProgress)
	o.flags(cmd.Flags())
	return cmd
}
