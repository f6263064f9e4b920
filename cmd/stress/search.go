package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/stress"
	"tailpoke/stress/report"
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
           still jumps to the removed program, behind a closed bypass
  callers  direct: where programs have indirect tail calls too, these may run a freed one.
           A rule says so, the model has no indirect callers
  orders   how many orders of publish, retire and free there are that are as good; the row
           shows one. --all prints every order, and what has a step to spare (rank -)

It exits with 0 if something safe was found, and with 1 if nothing is safe.`

// bestFound is how many rows are printed without --all.
const bestFound = 20

// search is the verb of that name.
type search struct {
	subjectFlags
	op               string
	steps, costSites count
	all, json, quiet bool
	progress         duration
}

func newSearch() *cobra.Command {
	s := &search{op: "remove", steps: 5, costSites: 64, progress: duration(shortProgress)}
	cmd := &cobra.Command{
		Use: "search", Short: "Find the protocols that are safe, and rank them", Long: searchLong,
		Args: cobra.NoArgs, RunE: s.runE,
	}
	s.flags(cmd.Flags())
	return cmd
}

func (s *search) flags(f *pflag.FlagSet) {
	s.protocolFlags(f)
	f.StringVar(&s.op, "op", s.op, "operation that is varied: install, update, remove, or all in turn")
	f.Var(&s.steps, "steps", fmt.Sprintf("most steps of the operation, up to %d", stress.MaxSearchSteps))
	f.Var(&s.costSites, "sites", "sites that costs are ranked and estimated for")
	f.BoolVar(&s.all, "all", false, fmt.Sprintf("print all that is safe, not the best %d alone", bestFound))
	f.BoolVar(&s.json, "json", false, "print one JSON object")
	f.Var(&s.progress, "progress", "time between lines of progress")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "print the result and errors alone")
}

// runE searches and prints the rankings. A signal ends the search, not its report.
func (s *search) runE(cmd *cobra.Command, _ []string) error {
	ctx := cmd.Context()
	subject, _, err := s.chosen().Resolve()
	if err != nil {
		return usage(err)
	}
	o := stress.SearchOptions{Op: s.op, Steps: int(s.steps), Sites: int(s.costSites)}
	if !s.quiet {
		o.Progress = searchProgress(cmd.ErrOrStderr(), time.Duration(s.progress))
	}
	r, err := stress.Search(ctx, subject, o)
	if err != nil {
		return usage(err)
	}
	stopped := interrupted(ctx)
	if !s.all {
		for i := range r.Searches {
			r.Searches[i].Found = r.Searches[i].Best(bestFound)
		}
	}
	if s.json {
		err = printJSON(cmd.OutOrStdout(), r)
	} else {
		err = printText(cmd.OutOrStdout(), searchText(r))
	}
	switch {
	case err != nil:
		return failed(err)
	case stopped != nil:
		return stopped
	}
	return foundExit(r)
}

// foundExit makes the exit of a search that went to its end.
func foundExit(r *report.Search) error {
	for _, s := range r.Searches {
		switch {
		case s.Safe == 0 && s.Bounded > 0:
			return &exit{codeNoVerdict, nil}
		case s.Safe == 0:
			return &exit{codeViolated, nil}
		}
	}
	return nil
}

// searchProgress returns what writes a line each time that the interval has passed.
func searchProgress(w io.Writer, every time.Duration) func(op string, judged, candidates int) {
	last := time.Now()
	return func(op string, judged, candidates int) {
		if time.Since(last) < every {
			return
		}
		last = time.Now()
		fmt.Fprintf(w, "%s: %s of %s judged\n", op, grouped(uint64(judged)), grouped(uint64(candidates)))
	}
}

// searchText is the report for people: for each operation what became of its texts, and
// the ranking.
func searchText(r *report.Search) string {
	var b strings.Builder
	fmt.Fprintf(&b, "subject  protocol %s, method %s, grace %s; operations of 1 to %s\n",
		r.Protocol, r.Method, r.Grace, counted(uint64(r.Steps), "step"))
	fmt.Fprintf(&b, "costs    on N sites; estimated for %s, %.0f us a poke and %.0f ms a grace period\n",
		counted(uint64(r.Sites), "site"), report.PokeSeconds*1e6, report.WaitSeconds*1e3)
	for _, s := range r.Searches {
		fmt.Fprintf(&b, "%-7s  %s\n", s.Op, strings.Join(searchCounts(s), "\n         "))
		if len(s.Found) > 0 {
			b.WriteString("\n" + aligned(foundRows(s)) + "\n")
		}
	}
	fmt.Fprintf(&b, "%.1f s\n", r.Seconds)
	return b.String()
}

// searchCounts says what became of the texts.
func searchCounts(s report.OpSearch) []string {
	n := func(n int) string { return grouped(uint64(n)) }
	p := s.Pruned
	refuted := 0
	var by []string
	for _, property := range slices.Sorted(maps.Keys(s.Refuted)) {
		refuted += s.Refuted[property]
		by = append(by, fmt.Sprintf("%s %s", n(s.Refuted[property]), property))
	}
	judged := n(s.Candidates) + " judged"
	if s.Judged < s.Candidates {
		judged = fmt.Sprintf("%s of %s judged", n(s.Judged), n(s.Candidates))
	}
	out := []string{
		fmt.Sprintf("%s texts; %s never publish, %s never free, %s free twice, %s repeat another",
			n(s.Enumerated), n(p.Silent), n(p.Leaks), n(p.Frees), n(p.Repeats)),
		fmt.Sprintf("%s: %s refuted (%s), %s safe", judged, n(refuted), strings.Join(by, ", "), n(s.Safe)),
	}
	if open := s.Vacuous + s.Bounded; open > 0 {
		out = append(out, fmt.Sprintf("%s vacuous, %s hit the bound on states", n(s.Vacuous), n(s.Bounded)))
	}
	if s.Safe > 0 {
		rows := counted(uint64(s.Classes), "row")
		out = append(out, fmt.Sprintf("of the safe %s have a step to spare; the others make %s", n(s.Spare), rows))
	}
	return out
}

// foundRows is the ranking.
func foundRows(s report.OpSearch) [][]string {
	rows := [][]string{{"rank", "grace", "pokes", "estimate", "leaves", "callers", "orders", "name", s.Op}}
	for _, f := range s.Found {
		rank, orders, name := "-", "-", "-"
		if !f.Spare {
			rank = fmt.Sprint(f.Rank)
		}
		if f.First {
			orders = fmt.Sprint(f.Orders)
		}
		if f.Name != "" {
			name = f.Name
		}
		rows = append(rows, []string{
			rank, f.WaitsPer, f.PokesPer, fmt.Sprintf("%.1f ms", f.Estimate*1e3), f.Leaves, string(f.Callers), orders, name, f.Text,
		})
	}
	return rows
}
