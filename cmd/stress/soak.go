package main

import (
	"time"

	"github.com/spf13/cobra"
)

const soakLong = `Examples:

  stress soak --duration 24h
  stress soak --duration 7d --protocol batched --progress 1m --stop-at-first

soak asks the model engine once and then runs the cpu engine for a long time. SIGINT or
SIGTERM ends it with its report; a second one kills.`

func newSoak() *cobra.Command {
	j := &judging{engines: []string{"model", "cpu"}, required: []string{"cpu"}}
	cmd := &cobra.Command{Use: "soak", Short: "Run for a long time", Long: soakLong, Args: cobra.NoArgs, RunE: j.runE}
	f := cmd.Flags()
	j.protocolFlags(f)
	j.targetFlags(f)
	j.threadsFlag(f)
	j.cpuFlags(f, 24*time.Hour)
	j.expectFlag(f)
	j.outputFlags(f)
	j.progress = duration(longProgress)
	f.Lookup("progress").DefValue = j.progress.String()
	return cmd
}
