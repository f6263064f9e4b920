package main

import (
	"strings"

	"tailpoke/internal/bundle"
	"tailpoke/internal/soak"
	"tailpoke/internal/state"
	"tailpoke/stress"
	"tailpoke/stress/report"
)

// keep keeps what is known of a kernel that went wrong, if --bundle says where. What was judged is known
// of the verb run.
func (m *machine) keep(d *report.Document, args []string) error {
	if m.bundle == "" || len(d.Verdicts) == 0 || len(d.Verdicts[0].Findings) == 0 {
		return nil
	}
	row := &d.Verdicts[0]
	f := row.Findings[0]
	f.Kind = report.OfKernel
	f.Key = soak.Key(&f)
	scrub := bundle.Here()
	b := &bundle.Bundle{
		Schema: bundle.Schema, Finding: f, Seed: m.drawn, Seconds: row.Seconds, Again: m.again,
		Tool: tool(), Machine: stress.Machine(), Guest: d.Guest,
		Files: map[string][]byte{bundle.Log: []byte(strings.Join(f.Log, "\n") + "\n")},
	}
	if len(args) > 0 && args[0] == "run" {
		j := &judging{}
		cmd := runCommand(j)
		if err := cmd.ParseFlags(args[1:]); err != nil {
			return err
		}
		r, err := j.resolve(cmd, nil)
		if err != nil {
			return err
		}
		// Without its job a bundle still says what happened.
		if clean, _, err := soak.Clean(r.Workload, r.Subject.Layout, scrub); err == nil {
			if b.Subject, b.Job, err = (stress.Options{}).Text(r.Subject, clean); err != nil {
				return err
			}
		}
	}
	scrub.Apply(b)
	file, err := b.Bytes()
	if err != nil {
		return err
	}
	return state.WriteWhole(m.bundle, file)
}
