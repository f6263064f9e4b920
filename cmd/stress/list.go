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
	kinds := stress.CatalogKinds()
	cmd := &cobra.Command{
		Use: "list [" + strings.Join(kinds, "|") + "]", Short: "Print what there is to choose from", Long: listLong,
		Args: cobra.MaximumNArgs(1), ValidArgs: kinds,
	}
	cmd.RunE = o.answer(func(_ *cobra.Command, args []string) (*report.Document, error) {
		asked := kinds
		if len(args) > 0 {
			if asked = args; !slices.Contains(kinds, args[0]) {
				return nil, usagef("nothing is called %q; there are: %s", args[0], strings.Join(kinds, " "))
			}
		}
		c := &report.Catalogue{}
		for _, kind := range asked {
			c.Kinds = append(c.Kinds, report.Kind{Kind: kind, Items: stress.Catalog(kind)})
		}
		return report.New(c), nil
	})
	o.flags(cmd.Flags())
	return cmd
}
