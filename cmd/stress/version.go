package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is what the binary knows of its own making.
type version struct {
	Schema   string `json:"schema"`
	Module   string `json:"module"`
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the version control system
	Time     string `json:"time,omitempty"`     // of the revision
	Modified bool   `json:"modified,omitempty"` // the checkout had other changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

const versionLong = `Examples:

  stress version
  stress version --json`

func newVersion() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{Use: "version", Short: "Say what this binary was built from", Long: versionLong, Args: cobra.NoArgs}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v, print := readVersion(), printVersion
		if asJSON {
			print = func(cmd *cobra.Command, v version) error { return printJSON(cmd.OutOrStdout(), v) }
		}
		if err := print(cmd, v); err != nil {
			return failed(err)
		}
		return nil
	}
	return cmd
}

func readVersion() version {
	v := version{
		Schema: "stress/version/1", Module: "tailpoke", Version: "unknown",
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if v.Module = info.Main.Path; info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func printVersion(cmd *cobra.Command, v version) error {
	words := []string{v.Module, v.Version}
	if v.Revision != "" {
		words = append(words, "revision "+v.Revision, v.Time)
	}
	if v.Modified {
		words = append(words, "modified")
	}
	return printText(cmd.OutOrStdout(), fmt.Sprintf("%s, %s, %s\n", strings.Join(words, " "), v.Go, v.Platform))
}
