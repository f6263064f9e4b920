package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

const replayLong = `Examples:

  stress run --sites 1 --grace sleep --engine machine --witness w.json
  stress replay w.json
  stress replay w.json --svg w.svg

replay shows a violation again that the machine engine found, or the model. Of the machine
engine it takes the steps that the file names on images that it compiles anew, and asks the
model about the same subject. Of the model it takes the steps in the model, and asks the
machine engine. The file has all that it needs, an object file too. --svg draws the steps: a
column for each, a lane for each mutator, the loader and each thread, and for the slots and
the state of each site.

Then it takes the steps of a witness of the machine engine on real CPUs: threads are
single-stepped, the patcher patches one micro-step at a time, and after every step place,
bytes, registers and slots must be what the simulated CPU had. The cpu row says what came of
it: taken, and what was seen of the violation; not-forced, where the witness fetches bytes
that memory does not hold any more, which no CPU can be made to; differs; or skipped, off
linux/amd64 and for a witness of the model, which has no instructions.

It exits with 1 if the steps end in the violation that the file says, 3 if they do not or
the real CPUs differ, and 2 if the file cannot be read or its steps cannot be taken.`

// replay is the verb of that name.
type replay struct {
	expect verdict
	svg    string
	json   bool
}

func newReplay() *cobra.Command {
	r := &replay{expect: verdict(report.Holds)}
	cmd := &cobra.Command{
		Use: "replay FILE", Short: "Show a kept witness again, and draw it", Long: replayLong,
		Args: cobra.ExactArgs(1), RunE: r.runE,
	}
	f := cmd.Flags()
	f.StringVar(&r.svg, "svg", "", "file to draw the witness into")
	f.Var(&r.expect, "expect", "verdict that exits with 0: holds or violated")
	f.BoolVar(&r.json, "json", false, "print one JSON object")
	return cmd
}

func (r *replay) runE(cmd *cobra.Command, args []string) error {
	if err := writable(r.svg); err != nil {
		return usage(fmt.Errorf("--svg: %w", err))
	}
	w, err := stress.ReadWitness(args[0])
	if err != nil {
		return usage(err)
	}
	again, err := w.Replay(cmd.Context())
	switch {
	case errors.Is(err, stress.ErrNotReplayed) || isCPUError(err):
		return failed(err)
	case err != nil:
		return usage(err)
	}
	if r.json {
		err = printJSON(cmd.OutOrStdout(), again)
	} else {
		err = printText(cmd.OutOrStdout(), replayText(again))
	}
	if err == nil && r.svg != "" {
		err = os.WriteFile(r.svg, again.SVG(), 0o666)
	}
	if err != nil {
		return failed(err)
	}
	if stopped := interrupted(cmd.Context()); stopped != nil {
		return stopped
	}
	if err := again.Disagrees(); err != nil {
		return failed(err)
	}
	if report.Overall(r.expect) != report.Violated {
		return &exit{codeViolated, nil}
	}
	return nil
}

func isCPUError(err error) bool {
	_, ok := errors.AsType[*stress.CPUError](err)
	return ok
}

// replayText is a replayed witness for people, with the row of the other engine below, and that of
// the real CPUs.
func replayText(r *stress.WitnessReport) string {
	var b strings.Builder
	fmt.Fprintf(&b, "subject  %s\n", subjectText(r.Subject))
	fmt.Fprintf(&b, "%-7s  %-12s  %s, in %s%s\n", r.Engine, report.Violated, r.Property, counted(uint64(r.Steps), "step"), forEver(r.Cycle))
	for _, line := range r.Witness {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	other := *r.Other()
	other.Witness = nil // one table is enough
	row(&b, other)
	outcome, lines := r.CPURow()
	head := fmt.Sprintf("cpu      %-12s", outcome)
	for _, line := range lines {
		fmt.Fprintf(&b, "%s  %s\n", head, line)
		head = strings.Repeat(" ", len(head))
	}
	fmt.Fprintf(&b, "%s\n", report.Violated)
	return b.String()
}

// forEver says how many of the last steps repeat.
func forEver(cycle int) string {
	switch cycle {
	case 0:
		return ""
	case 1:
		return ", the last of which repeats for ever"
	}
	return fmt.Sprintf(", the last %d of which repeat for ever", cycle)
}

// witnessFlag adds the flag that keeps a witness.
func (j *judging) witnessFlag(f *pflag.FlagSet) {
	f.StringVar(&j.witness, "witness", "", "file to write a witness to, for stress replay: the machine engine's, or else the model's")
}

// keepWitness has a witness kept, if --witness names a file. The function that it returns writes
// the file, or says on w, if it is not nil, that there is no witness.
func (j *judging) keepWitness(o *stress.Options) (save func(w io.Writer) error, err error) {
	if err := writable(j.witness); err != nil {
		return nil, fmt.Errorf("--witness: %w", err)
	}
	if j.witness == "" {
		return func(io.Writer) error { return nil }, nil
	}
	var kept bytes.Buffer
	o.Witness = &kept
	return func(w io.Writer) error {
		if kept.Len() > 0 {
			return os.WriteFile(j.witness, kept.Bytes(), 0o666)
		}
		if w != nil {
			fmt.Fprintf(w, "neither the machine engine nor the model has a witness: %s is not written\n", j.witness)
		}
		return nil
	}, nil
}

// notes is where remarks go, or nil.
func (j *judging) notes(cmd *cobra.Command) io.Writer {
	if j.quiet {
		return nil
	}
	return cmd.ErrOrStderr()
}

// writable refuses the name of a file that cannot be made, before there is anything to write.
func writable(name string) error {
	if name == "" {
		return nil
	}
	if st, err := os.Stat(name); err == nil && st.IsDir() {
		return fmt.Errorf("%s: is a folder", name)
	}
	st, err := os.Stat(filepath.Dir(name))
	if err == nil && !st.IsDir() {
		err = fmt.Errorf("not a folder")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
