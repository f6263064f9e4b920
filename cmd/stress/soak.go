package main

import (
	"time"

	"tailpoke/stress/report"

	"github.com/spf13/cobra"
)

const soakLong = `Examples:

  stress soak --duration 24h
  stress soak --duration 7d --protocol batched --progress 1m --stop-at-first
  stress soak --duration 24h --engine kernel --format ktap

soak asks the model engine once and then runs the cpu engine for a long time, or the kernel engine. SIGINT or
SIGTERM ends it with its report; a second one kills.`

func newSoak() *cobra.Command {
	j := &judging{}
	cmd := &cobra.Command{Use: "soak", Short: "Run for a long time", Long: soakLong, Args: cobra.NoArgs}
	cmd.RunE = j.answer(func(cmd *cobra.Command, args []string) (*report.Document, error) {
		for _, e := range j.engines {
			if e == "cpu" || e == "kernel" { // without its answer a long run was for nothing
				j.required = append(j.required, e)
			}
		}
		return j.judge(cmd, args)
	})
	f := cmd.Flags()
	j.protocolFlags(f)
	j.targetFlags(f)
	j.threadsFlag(f)
	j.cpuFlags(f, 24*time.Hour, longProgress)
	f.StringSliceVar(&j.engines, "engine", []string{"model", "cpu"}, "engines to ask: cpu and kernel run for the whole duration, one after the other")
	j.expectFlag(f)
	j.seedFlag(f)
	j.flags(f)
	return cmd
}
