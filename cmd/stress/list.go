package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tailpoke/stress"
)

const listLong = `Examples:

  stress list
  stress list protocols
  stress list mutants

list prints what there is, by name. The text of a protocol or a method is what a file for
--protocol or --method holds.`

func newList() *cobra.Command {
	kinds := stress.CatalogKinds()
	cmd := &cobra.Command{
		Use: "list [" + strings.Join(kinds, "|") + "]", Short: "Print what there is to choose from", Long: listLong,
		Args: cobra.MaximumNArgs(1), ValidArgs: kinds,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var b strings.Builder
		if len(args) == 0 {
			for i, kind := range kinds {
				fmt.Fprintf(&b, "%s%s\n", strings.Repeat("\n", min(i, 1)), kind)
				items(&b, stress.Catalog(kind), "  ")
			}
		} else if kind := args[0]; slices.Contains(kinds, kind) {
			items(&b, stress.Catalog(kind), "")
		} else {
			return usagef("nothing is called %q; there are: %s", kind, strings.Join(kinds, " "))
		}
		if err := printText(cmd.OutOrStdout(), b.String()); err != nil {
			return failed(err)
		}
		return nil
	}
	return cmd
}

// items writes each item's name, and its text behind or beneath it.
func items(b *strings.Builder, all []stress.Item, indent string) {
	wide := 0
	for _, it := range all {
		wide = max(wide, len(it.Name))
	}
	for _, it := range all {
		if !strings.Contains(it.Text, "\n") {
			fmt.Fprintf(b, "%s%-*s  %s\n", indent, wide, it.Name, it.Text)
			continue
		}
		fmt.Fprintf(b, "%s%s\n", indent, it.Name)
		for line := range strings.Lines(it.Text) {
			fmt.Fprintf(b, "%s    %s\n", indent, strings.TrimRight(line, "\n"))
		}
	}
}
