package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tailpoke/internal/vm/guest"
	"tailpoke/stress"
	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

const affectedLong = `Examples:

  stress affected
  stress affected hierarchy trampoline
  stress affected poke-race --duration 1m
  stress vm --kernel deb:6.1.0-56-amd64 -- affected --json

affected asks the running kernel which of the known faults of tail calls it has. Each answer is what
the kernel did in an experiment, not what its version says: affected, not affected, not-observed (a
race that did not show), not applicable, or cannot tell. stress list faults prints what they are. It
exits with 1 if the kernel has one, and with 5 if no experiment gave an answer.

Some experiments end a kernel that has the fault. They come last, and are carried out in a guest of
stress vm alone, or with --dangerous; with --dangerous=false not even there. Before each experiment
its name goes to standard error.`

// asking is the verb affected.
type asking struct {
	output
	dangerous bool
	duration  duration
}

func newAffected() *cobra.Command {
	a := &asking{duration: duration(10 * time.Second)}
	cmd := &cobra.Command{
		Use: "affected [FAULT...]", Short: "Ask the running kernel for known faults", Long: affectedLong,
		ValidArgsFunction: complete(namesOf("faults")), RunE: a.answer(a.ask),
	}
	f := cmd.Flags()
	f.BoolVar(&a.dangerous, "dangerous", false,
		"carry out what may end this kernel (default in a guest)")
	f.Var(&a.duration, "duration", "time for each race")
	a.flags(f)
	return cmd
}

// begins returns what says which experiment begins. A kernel that ends in it takes the document
// along, so what was found is said before each that may end it.
func (a *asking) begins(cmd *cobra.Command) func(report.AffectedFault, *report.Affected) {
	return func(row report.AffectedFault, before *report.Affected) {
		if row.Endangers && len(before.Faults) > 0 {
			fmt.Fprintln(a.notes(cmd), render.Summary(report.New(before)))
		}
		fmt.Fprintf(a.notes(cmd), "asking for %s\n", row.Name)
	}
}

// ask asks for the faults. Those that were asked for before a signal came are in the document.
func (a *asking) ask(cmd *cobra.Command, names []string) (*report.Document, error) {
	if !cmd.Flags().Changed("dangerous") {
		a.dangerous = guest.Here() != nil
	}
	r, err := stress.RunningKernel{}.Affected(cmd.Context(), names, a.dangerous,
		time.Duration(a.duration), a.begins(cmd))
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil, &exit{codeMissing, err}
	case r == nil:
		return nil, usage(err)
	case err != nil && interrupted(cmd.Context()) == nil:
		return nil, failed(err)
	}
	for i := range r.Faults {
		r.Faults[i].Again = reproduce(cmd, []string{r.Faults[i].Name}, "")
	}
	return report.New(r), nil
}
