package main

import (
	"github.com/spf13/cobra"

	"tailpoke/stress"
)

// completions are the flags whose values have names, by the kind of the catalogue.
var completions = map[string]string{
	"protocol": "protocols", "method": "methods", "grace": "graces", "layout": "layouts", "case": "cases",
	"engine": "engines", "require": "engines",
}

// completeFlags has a shell complete the values of a command's flags. Where a value may be the name of
// a file too, files are completed as well.
func completeFlags(cmd *cobra.Command) {
	for flag, kind := range completions {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		files := cobra.ShellCompDirectiveNoFileComp
		if flag == "protocol" || flag == "method" {
			files = cobra.ShellCompDirectiveDefault
		}
		must(cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return stress.Catalogue().Names(kind), files
		}))
	}
	for flag, values := range map[string][]string{"format": formatNames(), "expect": {"holds", "violated"}} {
		if cmd.Flags().Lookup(flag) != nil {
			must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
		}
	}
}

// must panics at what only a mistake in this package can bring about: a flag that there is not.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// complete completes arguments with names, which are not asked for before.
func complete(names func() []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveNoFileComp
	}
}

// namesOf are the names of a kind of the catalogue.
func namesOf(kind string) func() []string {
	return func() []string { return stress.Catalogue().Names(kind) }
}

// allNames are all names of the catalogue.
func allNames() []string {
	var out []string
	for _, k := range stress.Catalogue().Kinds {
		for _, it := range k.Items {
			out = append(out, it.Name)
		}
	}
	return out
}
