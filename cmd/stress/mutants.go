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
	subjectFlags
	engines                []string
	runs                   count
	duration, safeDuration duration
	seed                   seed
	json, quiet            bool
}

func newMutants() *cobra.Command {
	z := &zoo{runs: 1, duration: duration(5 * time.Second), safeDuration: duration(3 * time.Second)}
	cmd := &cobra.Command{
		Use: "mutants [NAME...]", Short: "Judge faults that must be found", Long: mutantsLong,
		ValidArgs: stress.MutantNames(), RunE: z.runE,
	}
	z.flags(cmd.Flags())
	return cmd
}

func (z *zoo) flags(f *pflag.FlagSet) {
	z.targetFlags(f)
	z.threadsFlag(f)
	f.StringSliceVar(&z.engines, "engine", nil, "engines to ask (default all that this machine has)")
	f.Var(&z.runs, "runs", "runs of the cpu engine for each mutant")
	f.Var(&z.duration, "duration", "how long the cpu engine looks for a fault")
	f.Var(&z.safeDuration, "safe-duration", "how long the cpu engine runs a mutant that is safe")
	f.Var(&z.seed, "seed", "seed of the first run, decimal or 0x hexadecimal (default random)")
	f.BoolVar(&z.json, "json", false, "print one JSON object")
	f.BoolVarP(&z.quiet, "quiet", "q", false, "print the result and errors alone")
	f.Lookup("seed").DefValue = ""
}

// runE judges the mutants and prints their table.
func (z *zoo) runE(cmd *cobra.Command, names []string) error {
	ctx, stderr := cmd.Context(), cmd.ErrOrStderr()
	for _, n := range names {
		if !slices.Contains(stress.MutantNames(), n) {
			return usagef("unknown mutant %q; there are: %s", n, strings.Join(stress.MutantNames(), " "))
		}
	}
	o := stress.MutantsOptions{
		Names: names, Runs: int(z.runs), Duration: time.Duration(z.duration),
		SafeDuration: time.Duration(z.safeDuration), Seed: seedOf(cmd, z.seed),
	}
	s, target, err := z.withTarget().Resolve()
	if err != nil {
		return usage(err)
	}
	if o.Engines, err = z.chosenEngines(cmd); err != nil {
		return err
	}
	if err := stress.Validate(s, target, stress.Options{Engines: o.Engines}); err != nil {
		return usage(err)
	}
	partial := &report.Mutants{Schema: "stress/mutants/1", Seed: fmt.Sprintf("%#x", o.Seed), Agree: true}
	if !z.quiet {
		fmt.Fprintf(stderr, "seed %s\n", partial.Seed)
	}
	o.Progress = func(m report.Mutant) {
		partial.Mutants = append(partial.Mutants, m)
		partial.Agree = partial.Agree && m.Agree
		if !z.quiet {
			fmt.Fprintf(stderr, "%s: %s\n", m.Name, strings.Join(strings.Fields(strings.Join(cells(m)[2:], " ")), " "))
		}
	}
	report, err := stress.RunMutants(ctx, s, target, o)
	stopped := interrupted(ctx)
	switch {
	case stopped != nil:
		report = partial
	case err != nil:
		return failed(err)
	}
	if err := z.print(cmd, report); err != nil {
		return failed(err)
	}
	switch {
	case stopped != nil:
		return stopped
	case !report.Agree:
		return &exit{codeViolated, nil}
	}
	return nil
}

// withTarget is the choice of the flags; without any for the target it is a generated
// program with one site, so that each edit has one place to act on.
func (z *zoo) withTarget() stress.Choice {
	c := z.chosen()
	if c.Object == "" && c.Entry == "" && c.Sites == 0 && c.Programs == 0 && c.Keys == 0 {
		c.Sites = 1
	}
	return c
}

// chosenEngines leaves out what this machine lacks, aloud, unless it was asked for.
func (z *zoo) chosenEngines(cmd *cobra.Command) ([]stress.Engine, error) {
	chosen, err := stress.ParseEngines(z.engines)
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
			fmt.Fprintf(cmd.ErrOrStderr(), "without the %s engine: %v\n", e, err)
			continue
		}
		chosen = append(chosen, e)
	}
	return chosen, nil
}

func (z *zoo) print(cmd *cobra.Command, r *report.Mutants) error {
	if z.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	return printText(cmd.OutOrStdout(), mutantsText(r))
}
