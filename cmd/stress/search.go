package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

const searchLong = `Examples:

  stress search
  stress search --op all --steps 4
  stress search --op update --sites 8 --method word
  stress search --json --all

search goes through every text of an operation, up to a number of steps, puts each in the
place of the protocol's own, and ranks those that the model proves safe: by the grace
periods that they wait for, then by their pokes. The other two operations stay, so a fault
in them refutes everything. Steps are counted without each. Texts that behave alike are
judged once.

  leaves   the state of a site when the operation is over: C is empty, D has a target that
           still jumps to the removed program, while the site is closed
  callers  direct: where programs have indirect tail calls too, these may run a freed one.
           A rule says so, the model has no indirect callers
  orders   how many orders of publish, retire and free there are that are as good; the row
           shows one. --all prints every order, and what has a step to spare (rank -)

It exits with 0 if something safe was found, and with 1 if nothing is safe.`

// bestFound is how many rows are printed without --all.
const bestFound = 20

// search is the verb of that name.
type search struct {
	output
	subjectFlags
	op               string
	steps, costSites count
	all              bool
}

func newSearch() *cobra.Command {
	s := &search{op: "remove", steps: 5, costSites: 64}
	cmd := &cobra.Command{
		Use: "search", Short: "Find the protocols that are safe, and rank them", Long: searchLong,
		Args: cobra.NoArgs, RunE: s.answer(s.rank),
	}
	f := cmd.Flags()
	s.protocolFlags(f)
	f.StringVar(&s.op, "op", s.op, "operation that is varied: install, update, remove, or all in turn")
	f.Var(&s.steps, "steps", fmt.Sprintf("most steps of the operation, up to %d", stress.MaxSearchSteps))
	f.Var(&s.costSites, "sites", "sites that costs are ranked and estimated for")
	f.BoolVar(&s.all, "all", false, fmt.Sprintf("print all that is safe, not the best %d alone", bestFound))
	s.progressFlag(f, shortProgress)
	s.flags(f)
	return cmd
}

// rank searches. A signal ends the search, not its document.
func (s *search) rank(cmd *cobra.Command, _ []string) (*report.Document, error) {
	c, err := s.settled(cmd)
	if err != nil {
		return nil, err
	}
	subject, _, err := c.Resolve()
	if err != nil {
		return nil, usage(err)
	}
	o := stress.SearchOptions{Op: s.op, Steps: int(s.steps), Sites: int(s.costSites)}
	tell := s.counting(cmd)
	o.Progress = func(op string, judged, candidates int) {
		tell(judged, candidates, render.SearchLine(op, judged, candidates))
	}
	r, err := stress.Search(cmd.Context(), subject, o)
	if err != nil {
		return nil, usage(err)
	}
	for i := range r.Searches {
		if !s.all {
			r.Searches[i].Found = r.Searches[i].Best(bestFound)
		}
	}
	return report.New(r), nil
}
