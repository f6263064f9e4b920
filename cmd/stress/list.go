package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

const listLong = `Examples:

  stress list
  stress list protocols
  stress list mutants

list prints what there is, by name. The text of a protocol or a method is what a file for
--protocol or --method holds.`

func newList() *cobra.Command {
	o := &output{}
	all := stress.Catalogue()
	var kinds []string
	for _, k := range all.Kinds {
		kinds = append(kinds, k.Kind)
	}
	long := listLong + "\n\nKIND is one of " + strings.Join(kinds, ", ") + "."
	cmd := &cobra.Command{
		Use: "list [KIND]", Short: "Print what there is to choose from", Long: long,
		Args: takes(0, 1), ValidArgs: kinds,
	}
	cmd.RunE = o.answer(func(_ *cobra.Command, args []string) (*report.Document, error) {
		if len(args) > 0 {
			i := slices.Index(kinds, args[0])
			if i < 0 {
				return nil, usagef("nothing is called %q; there are: %s", args[0], strings.Join(kinds, " "))
			}
			return report.New(&report.Catalogue{Kinds: all.Kinds[i : i+1]}), nil
		}
		return report.New(all), nil
	})
	o.flags(cmd.Flags())
	return cmd
}
