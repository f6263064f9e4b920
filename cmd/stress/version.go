package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"tailpoke/stress/report"
)

const versionLong = `Examples:

  stress version
  stress version --json`

func newVersion() *cobra.Command {
	o := &output{}
	cmd := &cobra.Command{Use: "version", Short: "Say what this binary was built from", Long: versionLong, Args: cobra.NoArgs}
	cmd.RunE = o.answer(func(*cobra.Command, []string) (*report.Document, error) { return report.New(&report.About{}), nil })
	o.flags(cmd.Flags())
	return cmd
}

// tool is what the binary knows of its own making.
func tool() report.Tool {
	t := report.Tool{Module: "tailpoke", Version: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return t
	}
	if t.Module = info.Main.Path; info.Main.Version != "" {
		t.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			t.Revision = s.Value
		case "vcs.time":
			t.Time = s.Value
		case "vcs.modified":
			t.Modified = s.Value == "true"
		}
	}
	return t
}
