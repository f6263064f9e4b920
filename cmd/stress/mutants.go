package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/stress"
	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

const mutantsLong = `Examples:

  stress mutants
  stress mutants no-grace bytes --runs 10
  stress mutants --engine model --json

mutants judges edits of the default subject: faults that the engines must find, and
harmless edits that they must not accuse. Without target flags the program is a generated
one with one site, two programs and one key. It exits with 0 if every mutant got the
verdicts that it must get, and with 1 if one did not.`

// zoo is the verb mutants.
type zoo struct {
	output
	subjectFlags
	engines                []string
	runs                   count
	duration, safeDuration duration
}

func newMutants() *cobra.Command {
	z := &zoo{runs: 1, duration: duration(5 * time.Second), safeDuration: duration(3 * time.Second)}
	cmd := &cobra.Command{
		Use: "mutants [NAME...]", Short: "Judge faults that must be found", Long: mutantsLong,
		ValidArgsFunction: complete(namesOf("mutants")), RunE: z.answer(z.judge),
	}
	z.ownFlags(cmd.Flags())
	z.flags(cmd.Flags())
	return cmd
}

func (z *zoo) ownFlags(f *pflag.FlagSet) {
	z.targetFlags(f)
	z.threadsFlag(f)
	f.StringSliceVar(&z.engines, "engine", nil, "engines to ask (default all that this machine has)")
	f.Var(&z.runs, "runs", "runs of the cpu engine for each mutant")
	f.Var(&z.duration, "duration", "how long the cpu engine looks for a fault")
	f.Var(&z.safeDuration, "safe-duration", "how long the cpu engine runs a mutant that is safe")
	z.seedFlag(f)
	z.progressFlag(f, 0) // a line for each mutant
}

// judge judges the mutants. Those that were judged before a signal came are in the document.
func (z *zoo) judge(cmd *cobra.Command, names []string) (*report.Document, error) {
	known := stress.Catalogue().Names("mutants")
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, usagef("unknown mutant %q; there are: %s", n, strings.Join(known, " "))
		}
	}
	o := stress.MutantsOptions{
		Names: names, Runs: int(z.runs), Duration: time.Duration(z.duration), SafeDuration: time.Duration(z.safeDuration),
	}
	c, err := z.settled(cmd)
	if err != nil {
		return nil, err
	}
	s, target, err := withTarget(c).Resolve()
	if err != nil {
		return nil, usage(err)
	}
	if o.Engines, err = z.chosenEngines(cmd); err != nil {
		return nil, err
	}
	if err := stress.Validate(s, target, stress.Options{Engines: o.Engines}); err != nil {
		return nil, usage(err)
	}
	o.Seed = z.drawSeed(cmd)
	tell := z.counting(cmd)
	o.Progress = func(m report.Mutant, done, all int) {
		tell(done, all, render.MutantLine(stress.MutantEngines(), &m))
	}
	table, err := stress.Mutants(cmd.Context(), s, target, o)
	if err != nil && interrupted(cmd.Context()) == nil {
		return nil, failed(err)
	}
	return report.New(table), nil
}

// withTarget is the choice of the flags; without any for the target it is a generated
// program with one site, so that each edit has one place to act on.
func withTarget(c stress.Choice) stress.Choice {
	if c.Object == "" && c.Entry == "" && c.Sites == 0 && c.Programs == 0 && c.Keys == 0 {
		c.Sites = 1
	}
	return c
}

// chosenEngines leaves out what this machine lacks, aloud, unless it was asked for.
func (z *zoo) chosenEngines(cmd *cobra.Command) ([]stress.Engine, error) {
	chosen, err := parseEngines(z.engines)
	if err != nil {
		return nil, usage(err)
	}
	if len(chosen) > 0 {
		for _, e := range chosen {
			if !slices.Contains(stress.MutantEngines(), e) {
				return nil, usage(fmt.Errorf("--engine %s: it judges no mutants", e))
			}
			if err := stress.Missing(e); err != nil {
				return nil, &exit{codeMissing, fmt.Errorf("the %s engine is missing: %w", e, err)}
			}
		}
		return chosen, nil
	}
	for _, e := range stress.MutantEngines() {
		if err := stress.Missing(e); err != nil {
			fmt.Fprintf(z.notes(cmd), "without the %s engine: %v\n", e, err)
			continue
		}
		chosen = append(chosen, e)
	}
	return chosen, nil
}
