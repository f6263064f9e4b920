package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/internal/vm"
	"tailpoke/stress"
	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
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

With --kernel the steps are taken in an unmodified kernel instead, in a virtual machine: threads are
held and let go move by move, and after each the slots' bytes must be what the witness says, with
registers and stack beside them. The first step that the kernel does not take is named, and where
it waits: refused.

It exits with 1 if the steps end in the violation that the file says, 3 if they do not or
the real CPUs differ, and 2 if the file cannot be read or its steps cannot be taken.`

// replay is the verb of that name.
type replay struct {
	output
	svg, perfetto string
	kernel        string
	machine       machine // that the kernel runs in
}

func newReplay() *cobra.Command {
	r := &replay{machine: machine{smp: vm.DefaultCPUs, timeout: duration(vm.DefaultTimeout)}}
	cmd := &cobra.Command{
		Use: "replay FILE", Short: "Show a kept witness again, and draw it", Long: replayLong,
		Args: takes(1, 1), RunE: r.answer(r.again),
	}
	f := cmd.Flags()
	f.StringVar(&r.svg, "svg", "", "file to draw the witness into")
	perfettoFlag(f, &r.perfetto)
	r.expectFlag(f)
	f.StringVar(&r.kernel, "kernel", "", "kernel image, or deb:NAME: take the steps in that kernel, in a virtual machine")
	r.machine.machineFlags(f)
	r.flags(f)
	return cmd
}

func (r *replay) again(cmd *cobra.Command, args []string) (*report.Document, error) {
	if err := r.steered(cmd); err != nil {
		return nil, err
	}
	drawing, err := openLater(r.svg)
	if err != nil {
		return nil, usage(fmt.Errorf("--svg: %w", err))
	}
	defer drawing.close()
	times, err := openTimes(r.perfetto)
	if err != nil {
		return nil, usage(err)
	}
	defer times.close()
	again, err := stress.Replay(cmd.Context(), args[0])
	if _, ok := errors.AsType[*stress.ReplayFailure](err); ok {
		return nil, failed(err)
	}
	if err != nil {
		return nil, usage(err)
	}
	if r.svg != "" {
		err = drawing.write(render.SVG(again))
	}
	err = errors.Join(err, drawTimes(times, again, ""))
	for _, s := range again.Sections {
		if s, ok := s.(*report.Replay); ok && s.CPU.Outcome == report.Differs {
			err = errors.Join(err, fmt.Errorf("the real CPUs and the machine engine disagree: %s", s.CPU.Text))
		}
	}
	if err != nil {
		err = failed(err)
	}
	return again, err
}

// steered has the steps taken in the kernel that the flags name, if they name one.
func (r *replay) steered(cmd *cobra.Command) error {
	if r.kernel == "" {
		for _, name := range machineFlagNames {
			if cmd.Flags().Changed(name) {
				return usagef("--%s is for the machine of a --kernel, and there is none", name)
			}
		}
		return nil
	}
	o, err := r.machine.settle(cmd, r.kernel)
	if err != nil {
		return err
	}
	o.Before = []string{"stress"}
	ctx, err := withKernel(cmd.Context(), o)
	if err == nil {
		cmd.SetContext(ctx)
	}
	return err
}

// witnessFlag adds the flag that keeps a witness.
func (j *judging) witnessFlag(f *pflag.FlagSet) {
	f.StringVar(&j.witness, "witness", "", "file to write a witness to, for stress replay: the machine engine's, or else the model's")
}

// keepWitness has a witness kept, if --witness names a file, which is to be closed. save writes it, or
// says that there is none: also to those who asked for no notes, where the file has an old one.
func (j *judging) keepWitness(o *stress.Options) (file *later, save func(*cobra.Command, *report.Document) error, err error) {
	if file, err = openLater(j.witness); err != nil {
		return nil, nil, fmt.Errorf("--witness: %w", err)
	}
	if file == nil {
		return nil, func(*cobra.Command, *report.Document) error { return nil }, nil
	}
	var kept bytes.Buffer
	o.Witness = &kept
	return file, func(cmd *cobra.Command, d *report.Document) error {
		if kept.Len() > 0 {
			return file.write(kept.Bytes())
		}
		w, why, old := j.notes(cmd), "nothing is violated", ""
		if d.Verdict == report.Violated {
			why = "neither the machine engine nor the model has a witness"
		}
		if !file.made {
			w, old = cmd.ErrOrStderr(), ", and holds what it held"
		}
		fmt.Fprintf(w, "%s: %s was not written%s\n", why, render.Printable(j.witness), old)
		return nil
	}, nil
}
