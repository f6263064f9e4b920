package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

const diffLong = `Examples:

  stress run --json >before.json
  stress diff before.json after.json

diff says what changed from one document to another, as --json prints them: verdicts of engines, mutants,
cells, findings. It exits with 1 if something got worse: what passed fails, has no answer or was not asked,
or there is a finding that was not there. Times and counts differ from run to run, and are not compared.`

// maxDocument bounds a document that is read, in bytes.
const maxDocument = 64 << 20

func newDiff() *cobra.Command {
	var o output
	cmd := &cobra.Command{Use: "diff A.json B.json", Short: "Say what got worse between two reports", Long: diffLong, Args: takes(2, 2)}
	cmd.RunE = o.answer(func(cmd *cobra.Command, args []string) (*report.Document, error) {
		if isFolder(args[0]) && isFolder(args[1]) {
			return nil, usagef("%s and %s are folders; for soaks: stress findings %[1]s %[2]s", args[0], args[1])
		}
		var both [2]*report.Document
		for i, name := range args {
			text, err := readAll(cmd, name, maxDocument)
			if err != nil {
				return nil, usage(err)
			}
			if both[i], err = report.Parse([]byte(text)); err != nil {
				return nil, usage(fmt.Errorf("%s: %w", name, err))
			}
		}
		d, err := render.Compare(both[0], both[1])
		if err != nil {
			return nil, failed(err)
		}
		return report.New(d), nil
	})
	o.expectFlag(cmd.Flags())
	o.flags(cmd.Flags())
	return cmd
}
