package main

import (
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
	o := &output{}
	cmd := &cobra.Command{Use: "doctor", Short: "Try what this machine can do", Long: doctorLong, Args: cobra.NoArgs}
	cmd.RunE = o.answer(func(*cobra.Command, []string) (*report.Document, error) { return report.New(stress.Doctor()), nil })
	o.flags(cmd.Flags())
	return cmd
}
