package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

// judging is what the verbs share that judge one subject.
type judging struct {
	subjectFlags
	engines, required []string
	expect            verdict
	script, trace     string
	witness           string // file
	callers           count
	duration          duration
	seed              seed
	stopAtFirst       bool
	noBoost           bool
	maxStates         count
	format            format
	quiet             bool
	progress          duration
}

// outputFlags adds the flags of every verb that judges.
func (j *judging) outputFlags(f *pflag.FlagSet) {
	f.Var(&j.seed, "seed", "seed of every random choice, decimal or 0x hexadecimal (default random)")
	formatFlags(f, &j.format)
	f.BoolVarP(&j.quiet, "quiet", "q", false, "print the result and errors alone")
	// What has no default of its own on the command line has one here.
	f.Lookup("seed").DefValue = ""
}

// How often progress is printed: verbs that end soon, and verbs that do not.
const (
	shortProgress = 2 * time.Second
	longProgress  = 10 * time.Second
)

func (j *judging) progressFlag(f *pflag.FlagSet, every time.Duration) {
	j.progress = duration(every)
	f.Var(&j.progress, "progress", "time between lines of progress")
}

// cpuFlags adds the flags of the cpu engine.
func (j *judging) cpuFlags(f *pflag.FlagSet, d time.Duration) {
	j.duration = duration(d)
	f.Var(&j.duration, "duration", "how long the cpu engine runs, and then the kernel engine, such as 300ms, 5s, 24h or 7d")
	f.BoolVar(&j.stopAtFirst, "stop-at-first", false, "the cpu engine and the kernel engine end with their first finding")
	f.BoolVar(&j.noBoost, "no-boost", false, "run as without the right to real-time priorities")
	j.progressFlag(f, shortProgress)
}

func (j *judging) expectFlag(f *pflag.FlagSet) {
	j.expect = verdict(report.Holds)
	f.Var(&j.expect, "expect", "verdict that exits with 0: holds or violated")
}

func (j *judging) modelFlags(f *pflag.FlagSet) {
	f.Var(&j.maxStates, "max-states", "bound on the states of the model engine")
	f.Lookup("max-states").DefValue = ""
}

// runE resolves the flags, asks the engines and reports.
func (j *judging) runE(cmd *cobra.Command, _ []string) error {
	ctx := cmd.Context()
	s, target, err := j.chosen().Resolve()
	if err != nil {
		return usage(err)
	}
	o, err := j.options(cmd)
	if err != nil {
		return usage(err)
	}
	required, err := j.requiredOf(o)
	if err != nil {
		return usage(err)
	}
	if err := stress.Validate(s, target, o); err != nil {
		return usage(err)
	}
	silent := hopeless(o)
	if !j.quiet && !silent {
		fmt.Fprintf(cmd.ErrOrStderr(), "seed %#x\n", o.Seed)
	}
	closeTrace, err := j.openTrace(&o)
	if err != nil {
		return usage(err)
	}
	saveWitness, err := j.keepWitness(&o)
	if err != nil {
		return usage(errors.Join(err, closeTrace()))
	}
	report, err := stress.Run(ctx, s, target, o)
	err = errors.Join(err, closeTrace())
	if stopped := interrupted(ctx); err != nil && stopped != nil {
		return stopped
	}
	if err != nil {
		if j.format == formatKTAP {
			err = errors.Join(err, printText(cmd.OutOrStdout(), ktapFailed(err)))
		}
		return failed(err)
	}
	if err := errors.Join(j.print(cmd, report, silent), saveWitness(j.notes(cmd))); err != nil {
		return failed(err)
	}
	if stopped := interrupted(ctx); stopped != nil {
		return stopped
	}
	return exitOf(report, required, j.expected())
}

// print writes the report; for people only if it says more than the error behind it.
func (j *judging) print(cmd *cobra.Command, r *report.Document, silent bool) error {
	switch {
	case j.format == formatJSON:
		return printJSON(cmd.OutOrStdout(), r)
	case j.format == formatKTAP:
		return printText(cmd.OutOrStdout(), ktapText(r, j.expected()))
	case j.format == formatJUnit:
		text, err := junitXML(r, j.expected())
		if err != nil {
			return err
		}
		return printText(cmd.OutOrStdout(), text)
	case silent:
		return nil
	}
	return printText(cmd.OutOrStdout(), reportText(r, reproduce(cmd, r.Seed)))
}

func (j *judging) expected() report.Overall {
	if j.expect == "" {
		return report.Holds
	}
	return report.Overall(j.expect)
}

// options makes the options of a run.
func (j *judging) options(cmd *cobra.Command) (stress.Options, error) {
	o := stress.Options{
		Duration: time.Duration(j.duration), Seed: seedOf(cmd, j.seed), StopAtFirst: j.stopAtFirst,
		NoBoost: j.noBoost, MaxStates: int(j.maxStates), Callers: int(j.callers),
	}
	var err error
	if o.Engines, err = stress.ParseEngines(j.engines); err != nil {
		return o, err
	}
	if j.script != "" {
		if o.Script, err = stress.LoadScript(j.script); err != nil {
			return o, err
		}
		if len(o.Script) == 0 {
			return o, fmt.Errorf("%s: the script calls nothing", j.script)
		}
		if !cmd.Flags().Changed("duration") {
			o.Duration = 0 // the script alone
		}
	}
	if !j.quiet {
		o.Progress = progress(cmd.ErrOrStderr(), time.Duration(j.progress))
	}
	return o, nil
}

// requiredOf reads --require and holds it against what o asks.
func (j *judging) requiredOf(o stress.Options) ([]stress.Engine, error) {
	required, err := stress.ParseEngines(j.required)
	if err != nil {
		return nil, fmt.Errorf("--require: %w", err)
	}
	for _, e := range required {
		if !slices.Contains(asked(o), e) {
			return nil, fmt.Errorf("--require %s: --engine leaves it out", e)
		}
	}
	switch live := slices.Contains(asked(o), "cpu") || slices.Contains(asked(o), "kernel"); {
	case o.Script != nil && !live && !slices.Contains(asked(o), "machine"):
		return nil, fmt.Errorf("--script is for the machine, cpu and kernel engines, which --engine leaves out")
	case j.trace != "" && !live:
		return nil, fmt.Errorf("--trace is for the cpu engine and the kernel engine, which --engine leaves out")
	case j.callers > stress.MaxCallers:
		return nil, fmt.Errorf("--callers %d: want 1 to %d", j.callers, stress.MaxCallers)
	case j.witness != "" && !slices.Contains(asked(o), "machine") && !slices.Contains(asked(o), "model"):
		return nil, fmt.Errorf("--witness is for the machine engine and the model, which --engine leaves out")
	}
	return required, nil
}

// asked lists the engines that a run asks.
func asked(o stress.Options) []stress.Engine {
	if o.Engines == nil {
		return stress.Engines()
	}
	return o.Engines
}

// seedOf returns the seed that was given, or a random one.
func seedOf(cmd *cobra.Command, given seed) uint64 {
	if cmd.Flags().Changed("seed") {
		return uint64(given)
	}
	return rand.Uint64()
}

// hopeless reports whether this machine lacks what every engine needs that is asked.
func hopeless(o stress.Options) bool {
	return !slices.ContainsFunc(asked(o), func(e stress.Engine) bool { return stress.Missing(e) == nil })
}
