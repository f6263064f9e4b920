package main

import (
	"bytes"

	"github.com/spf13/cobra"

	"tailpoke/stress"
)

// promela prints the subject as a model for Spin.
func (j *judging) promela(cmd *cobra.Command, threads int) error {
	s, target, err := j.chosen().Resolve()
	if err != nil {
		return usage(err)
	}
	s.Shape.Threads = threads
	var b bytes.Buffer
	if err := stress.WritePromela(&b, s, target); err != nil {
		return usage(err)
	}
	return printText(cmd.OutOrStdout(), b.String())
}
