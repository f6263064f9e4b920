package main

import (
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"tailpoke/internal/serve"
	"tailpoke/internal/state"
	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

const serveLong = `Examples:

  stress serve --state soak.state
  stress serve --state soak.state --listen 127.0.0.1:0
  ssh -L 8060:localhost:8060 machine        and look at a soak from elsewhere

serve shows what a soak keeps in its folder as a page, on http://localhost:8060/, while the soak runs
or after it. The page brings itself up to date every ten seconds. /report.json is the same document as
JSON, and /bundles/NAME the file of a finding. It reads and changes nothing. Only this machine can reach
it, unless --listen says otherwise. A signal ends it.`

// serving is the verb serve.
type serving struct{ state, listen string }

func newServe() *cobra.Command {
	s := &serving{}
	cmd := &cobra.Command{Use: "serve --state DIR", Short: "Show a soak in a browser", Long: serveLong, Args: cobra.NoArgs, RunE: s.serve}
	f := cmd.Flags()
	f.StringVar(&s.state, "state", "", "folder of a soak's state")
	f.StringVar(&s.listen, "listen", "127.0.0.1:8060", "address to listen at; port 0 is any that is free")
	return cmd
}

func (s *serving) serve(cmd *cobra.Command, _ []string) error {
	if s.state == "" {
		return usagef("serve needs --state DIR")
	}
	if _, err := state.Read(s.state); err != nil {
		return usage(fmt.Errorf("--state: %w", err))
	}
	l, err := listen(cmd, s.listen, s.state)
	if err != nil {
		return usage(fmt.Errorf("--listen: %w", err))
	}
	defer l.Close()
	if _, err := fmt.Fprintf(cmd.OutOrStdout(), "http://%s/\n", l.Addr()); err != nil {
		return failed(err)
	}
	if err := serverOf(s.state).Serve(cmd.Context(), l); err != nil {
		return failed(err)
	}
	return interrupted(cmd.Context())
}

// listen listens at an address, and warns where others than this machine can read the state.
func listen(cmd *cobra.Command, address, dir string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if at, ok := l.Addr().(*net.TCPAddr); ok && !at.IP.IsLoopback() {
		fmt.Fprintf(cmd.ErrOrStderr(), "everybody who can reach %s can read %s\n", at, render.Printable(dir))
	}
	return l, nil
}

// serverOf is the server of a folder of state.
func serverOf(dir string) *serve.Server {
	return &serve.Server{Dir: dir, Stamp: func(d *report.Document) {
		d.Tool, d.Machine = madeBy(d)
		d.Summary = render.Summary(d)
	}}
}

// madeBy are the tool and the machine of a soak's last run: they are what found what is shown.
func madeBy(d *report.Document) (report.Tool, report.Machine) {
	for _, sect := range d.Sections {
		if s, ok := sect.(*report.Soak); ok && len(s.Runs) > 0 {
			last := s.Runs[len(s.Runs)-1]
			return last.Tool, last.Machine
		}
	}
	return d.Tool, d.Machine
}
