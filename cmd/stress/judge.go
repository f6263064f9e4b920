package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/internal/soak"
	"tailpoke/internal/vm/guest"
	"tailpoke/stress"
	"tailpoke/stress/report"
)

// judging is what the verbs share that judge one subject.
type judging struct {
	output
	subjectFlags
	engines, required []string
	script, trace     string
	witness, perfetto string // files
	callers           count
	sleepable         sleepable
	whole             bool
	duration          duration
	stopAtFirst       bool
	noBoost           bool
	maxStates         count
	maxMemory         size
	budget            duration
	minCycles         count
}

// cpuFlags adds the flags of the cpu engine.
func (j *judging) cpuFlags(f *pflag.FlagSet, d, progress time.Duration) {
	j.duration = duration(d)
	f.Var(&j.duration, "duration", "how long the cpu engine runs, and then the kernel engine, such as 300ms, 5s, 24h or 7d")
	f.Var(&j.minCycles, "min-cycles", "cycles that these engines must count to say that they observed nothing; without --duration they go on for them, up to three times as long")
	f.Lookup("min-cycles").DefValue = "30"
	f.BoolVar(&j.stopAtFirst, "stop-at-first", false, "the cpu engine and the kernel engine end with their first finding")
	f.BoolVar(&j.noBoost, "no-boost", false, "run as without the right to real-time priorities")
	j.progressFlag(f, progress)
}

func (j *judging) modelFlags(f *pflag.FlagSet) {
	f.Var(&j.maxStates, "max-states", "bound on the states of the model or the machine engine")
	f.Lookup("max-states").DefValue = ""
	f.Var(&j.maxMemory, "max-memory", "bound on the memory of the process while the model or the machine engine explores, such as 512M or 4G: where it ends the machine engine before any 2 operations were explored, that is bounded")
}

// resolved is what flags mean: what is judged, and how.
type resolved struct {
	soak.Options
	required []stress.Engine
}

// resolve finds out what the flags mean.
func (j *judging) resolve(cmd *cobra.Command, args []string) (*resolved, error) {
	if len(args) > 0 { // cobra takes "" and "-" for no verbs
		return nil, usagef("unknown command %q for %q", args[0], cmd.CommandPath())
	}
	o, err := j.options(cmd)
	if err != nil {
		return nil, usage(err)
	}
	c, err := j.settled(cmd)
	if err != nil {
		return nil, err
	}
	if j.aboutSeed != "" && !cmd.Flags().Changed("seed") {
		if err := cmd.Flags().Set("seed", j.aboutSeed); err != nil {
			return nil, usagef("%s:1: %w", j.file, err)
		}
	}
	c.Threads = cmp.Or(c.Threads, threadsWhere(guest.ByEmulator()))
	s, target, err := c.Resolve()
	if err != nil {
		return nil, usage(j.placed(cmd, err))
	}
	required, err := j.requiredOf(o)
	if err != nil {
		return nil, usage(err)
	}
	if err := unused(cmd, o); err != nil {
		return nil, usage(err)
	}
	if err := stress.Validate(s, target, o); err != nil {
		return nil, usage(err)
	}
	return &resolved{soak.Options{Subject: s, Workload: target, Options: o}, required}, nil
}

// judge resolves the flags and asks the engines.
func (j *judging) judge(cmd *cobra.Command, args []string) (*report.Document, error) {
	r, err := j.resolve(cmd, args)
	if err != nil {
		return nil, err
	}
	o := r.Options.Options
	if hopeless(o) {
		j.quiet = true
	}
	o.Seed = j.drawSeed(cmd)
	closeTrace, err := j.openTrace(cmd, &o)
	if err != nil {
		return nil, usage(err)
	}
	witness, saveWitness, err := j.keepWitness(&o)
	if err != nil {
		return nil, usage(errors.Join(err, closeTrace()))
	}
	defer witness.close()
	times, saveTimes, err := j.keepTimes(&o)
	if err != nil {
		return nil, usage(errors.Join(err, closeTrace()))
	}
	defer times.close()
	if !hopeless(o) {
		var show func(report.Verdict)
		o.Begin = func(about *report.Subject) { show = j.rows(cmd, about) }
		o.Row = func(v report.Verdict) {
			if show != nil {
				show(v)
			}
		}
	}
	d, err := stress.Run(cmd.Context(), r.Subject, r.Workload, o)
	err = errors.Join(err, closeTrace())
	if d != nil {
		err = errors.Join(err, saveWitness(cmd, d), saveTimes(d))
	}
	if err != nil {
		return d, failed(err)
	}
	d.Required = r.required
	if err := missing(d); err != nil {
		if hopeless(o) && j.format == 0 { // the error says it all to people
			return nil, err
		}
		return d, err
	}
	return d, nil
}

// options makes the options of a run.
func (j *judging) options(cmd *cobra.Command) (stress.Options, error) {
	o := stress.Options{
		Duration: time.Duration(j.duration), StopAtFirst: j.stopAtFirst, NoBoost: j.noBoost,
		MaxStates: int(j.maxStates), MaxMemory: uint64(j.maxMemory), Budget: time.Duration(j.budget), Callers: int(j.callers), Sleepable: string(j.sleepable), Whole: j.whole, MinCycles: int(j.minCycles),
	}
	if most := addressSpace(); o.MaxMemory == 0 && most != math.MaxUint64 {
		o.MaxMemory = most / 4 // the rest is what is mapped and not used, and threads
	}
	if !cmd.Flags().Changed("duration") {
		o.Patience = 2 * o.Duration // a busy machine needs longer
	}
	if j.budget != 0 && cmd.Flags().Changed("duration") {
		return o, fmt.Errorf("--budget says how long the engines run, and so does --duration")
	}
	var err error
	if o.Engines, err = parseEngines(j.engines); err != nil {
		return o, err
	}
	if j.script != "" {
		if o.Script, j.about, err = stress.LoadScript(j.script, stdin(cmd)); err != nil {
			return o, err
		}
		if len(o.Script) == 0 {
			return o, fmt.Errorf("%s: the script calls nothing", j.script)
		}
		j.file = j.script
		if !cmd.Flags().Changed("duration") {
			o.Duration = 0 // the script alone
		}
	}
	if !j.quiet {
		o.Progress = j.progressOf(cmd)
	}
	return o, nil
}

// requiredOf reads --require and holds it against what o asks.
func (j *judging) requiredOf(o stress.Options) ([]stress.Engine, error) {
	required, err := parseEngines(j.required)
	if err != nil {
		return nil, fmt.Errorf("--require: %w", err)
	}
	for _, e := range required {
		if !slices.Contains(asked(o), e) {
			return nil, fmt.Errorf("--require %s: --engine leaves it out", e)
		}
	}
	return required, nil
}

// flagsOf are flags for some engines, by these.
var flagsOf = []struct {
	flags, engines []string
}{
	{[]string{"script"}, []string{"machine", "cpu", "kernel"}},
	{[]string{"trace", "duration", "min-cycles", "stop-at-first"}, []string{"cpu", "kernel"}},
	{[]string{"witness"}, []string{"machine", "model", "steered"}},
	{[]string{"max-states", "max-memory"}, []string{"machine", "model"}},
	{[]string{"callers"}, []string{"kernel"}},
	{[]string{"sleepable"}, []string{"kernel", "steered"}},
	{[]string{"whole"}, []string{"steered"}},
	{[]string{"no-boost"}, []string{"cpu"}},
}

// unused refuses a flag that was given for engines none of which is asked.
func unused(cmd *cobra.Command, o stress.Options) error {
	for _, of := range flagsOf {
		if slices.ContainsFunc(asked(o), func(e stress.Engine) bool { return slices.Contains(of.engines, string(e)) }) {
			continue
		}
		for _, f := range of.flags {
			if cmd.Flags().Changed(f) {
				return fmt.Errorf("--%s is for the %s, which --engine leaves out", f, enginesIn(of.engines))
			}
		}
	}
	return nil
}

// enginesIn names engines in a sentence.
func enginesIn(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0] + " engine"
	}
	return strings.Join(names[:last], ", ") + " and " + names[last] + " engines"
}

// asked lists the engines that a run asks.
func asked(o stress.Options) []stress.Engine {
	if o.Engines == nil {
		return slices.DeleteFunc(stress.Engines(), func(e stress.Engine) bool { return e == steeredName })
	}
	return o.Engines
}

// hopeless reports whether this machine lacks what every engine needs that is asked.
func hopeless(o stress.Options) bool {
	return !slices.ContainsFunc(asked(o), func(e stress.Engine) bool { return stress.Missing(e) == nil })
}
