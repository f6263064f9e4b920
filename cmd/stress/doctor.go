package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

const doctorLong = `Examples:

  stress doctor
  stress doctor --json

doctor tries what this machine can do and says what is missing without it. It always
exits with 0; what a run needs, --require asks for.`

func newDoctor() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{Use: "doctor", Short: "Try what this machine can do", Long: doctorLong, Args: cobra.NoArgs}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		checks := stress.Doctor()
		var err error
		if asJSON {
			err = printJSON(cmd.OutOrStdout(), report.Doctor{Schema: "stress/doctor/1", Checks: checks})
		} else {
			err = printText(cmd.OutOrStdout(), doctorText(checks))
		}
		if err != nil {
			return failed(err)
		}
		return nil
	}
	return cmd
}

func doctorText(checks []report.Check) string {
	wide := 0
	for _, c := range checks {
		wide = max(wide, len(c.Name))
	}
	var b strings.Builder
	for _, c := range checks {
		state, without := "ok", ""
		if !c.OK {
			state, without = "missing", "; without it: no "+c.For
		}
		fmt.Fprintf(&b, "%-*s  %-7s  %s%s\n", wide, c.Name, state, c.Detail, without)
	}
	return b.String()
}
