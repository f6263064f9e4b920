package main

import (
	"strings"

	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

const modelLong = `Examples:

  stress model
  stress model --protocol my.txt --sites 2 --keys 2
  stress model --grace forget-one --expect violated

model asks the model engine alone: every interleaving and every weak fetch, for any
number of threads. It needs nothing of the machine. A violation comes with a shortest
execution that shows it.`

func newModel() *cobra.Command {
	j := &judging{engines: []string{"model"}}
	var promela count
	cmd := &cobra.Command{Use: "model", Short: "Explore every interleaving", Long: modelLong, Args: cobra.NoArgs}
	cmd.RunE = j.answer(func(cmd *cobra.Command, args []string) (*report.Document, error) {
		if promela != 0 {
			return j.promela(cmd, int(promela))
		}
		return j.judge(cmd, args)
	})
	f := cmd.Flags()
	f.Var(&promela, "promela", "print the subject with so many threads as a model for Spin, and judge nothing")
	f.Lookup("promela").DefValue = ""
	j.protocolFlags(f)
	j.targetFlags(f)
	j.modelFlags(f)
	j.progressFlag(f, shortProgress)
	j.witnessFlag(f)
	j.expectFlag(f)
	j.seedFlag(f)
	j.flags(f)
	return cmd
}

// promela prints the subject as a model for Spin.
func (j *judging) promela(cmd *cobra.Command, threads int) (*report.Document, error) {
	c, err := j.settled(cmd)
	if err != nil {
		return nil, err
	}
	s, target, err := c.Resolve()
	if err != nil {
		return nil, usage(err)
	}
	s.Shape.Threads = threads
	var b strings.Builder
	if err := stress.WritePromela(&b, s, target); err != nil {
		return nil, usage(err)
	}
	return listed("promela", "model", b.String()), nil
}
