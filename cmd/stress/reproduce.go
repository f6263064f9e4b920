package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/internal/vm"
)

// reproduce is the command line that does the same again, with the same seed where chance is
// involved.
func reproduce(cmd *cobra.Command, args []string, seed string) string {
	words := wordsOf(cmd, args)
	if seed != "" {
		words = append(words, "--seed", seed)
	}
	return strings.Join(words, " ")
}

// wordsOf are the words of a command line, as a shell reads them. In a guest they begin with those
// that start it.
func wordsOf(cmd *cobra.Command, args []string) []string {
	words, path := []string{"stress"}, strings.Fields(cmd.CommandPath())[1:]
	if how := vm.How(cmd.Context()); how != nil {
		words = slices.Clone(how.Before)
	}
	if len(path) == 0 {
		path = []string{"run"} // the main job is its default
	}
	words = append(words, path...)
	for _, a := range args {
		words = append(words, quoted(a))
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "json", "format", "html", "quiet", "progress", "seed":
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
			if f.Value.Type() != "stringArray" { // of those each word is a flag's own
				values = []string{strings.Join(values, ",")}
			}
		}
		for _, value := range values {
			switch {
			case f.NoOptDefVal != "" && f.Value.Type() != "bool": // its value does not stand alone
				words = append(words, "--"+f.Name+"="+quoted(value))
			case f.Value.Type() != "bool":
				words = append(words, "--"+f.Name, quoted(value))
			case value == "true":
				words = append(words, "--"+f.Name)
			}
		}
	})
	return words
}

// quoted makes one word of a POSIX shell.
func quoted(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./,:=@%+", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
