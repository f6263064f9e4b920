package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/stress/report/render"
)

const rootLong = `Examples:

  stress                                       the main job, less than 20 seconds
  stress run --protocol lazy --method word     another subject
  stress run --object prog.o --entry main      one's own program
  stress mutants                               do the engines find the faults?
  stress soak --duration 24h                   a long run
  stress model --protocol my.txt               an answer for every interleaving

stress judges live code patching of BPF tail calls. Without a verb it asks every engine
about the default subject: the kernel's protocol on a program that clang compiled.`

// helpWidth is that of a terminal at its narrowest, in characters.
const helpWidth = 80

// newRoot makes the command with its verbs.
func newRoot() *cobra.Command {
	j := &judging{}
	root := &cobra.Command{
		Use:           "stress",
		Short:         "Judge live code patching of BPF tail calls",
		Long:          rootLong,
		SilenceErrors: true, // exitCode prints them
		SilenceUsage:  true,
		RunE:          j.answer(j.judge),
	}
	j.seedFlag(root.Flags())
	j.flags(root.Flags())
	j.progressFlag(root.Flags(), shortProgress)
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", fmt.Sprintf("Flags.FlagUsagesWrapped %d ", helpWidth)))
	const judges, shows = "judges", "shows"
	root.AddGroup(&cobra.Group{ID: judges, Title: "Verbs that judge:"}, &cobra.Group{ID: shows, Title: "Verbs that show:"})
	for _, v := range []struct {
		group string
		cmd   *cobra.Command
	}{
		{judges, newRun()}, {judges, newMutants()}, {judges, newSoak()}, {judges, newModel()}, {judges, newSearch()}, {judges, newRegression()}, {judges, newAffected()}, {judges, newConform()}, {judges, newReplay()}, {judges, newDiff()}, {judges, newVM()},
		{shows, newServe()}, {shows, newFindings()}, {shows, newDisasm()}, {shows, newIdentity()}, {shows, newPlugin()}, {shows, newList()}, {shows, newExplain()}, {shows, newDoctor()}, {shows, newVersion()},
	} {
		v.cmd.GroupID = v.group
		root.AddCommand(v.cmd)
	}
	root.AddCommand(newExitCodes())
	finish(root)
	return root
}

// finish breaks the lines of a command's help, and of those below it, and completes their flags.
func finish(c *cobra.Command) {
	c.Long = render.Reflow(c.Long, helpWidth)
	completeFlags(c)
	for _, below := range c.Commands() {
		finish(below)
	}
}

// takes refuses fewer arguments and more, in the words of the verb's usage.
func takes(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		_, what, _ := strings.Cut(cmd.Use, " ")
		switch {
		case len(args) < least:
			return usagef("%s needs %s", cmd.Name(), what)
		case len(args) > most:
			return usagef("%s takes %s, and no %q", cmd.Name(), what, args[most])
		}
		return nil
	}
}

// flagError adds what flag could have been meant.
func flagError(cmd *cobra.Command, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return usage(err)
	}
	// Cobra suggests names of commands; here the flags are some.
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	if verb, _, none := cmd.Find([]string{"run"}); !cmd.HasParent() && none == nil && verb.Flags().Lookup(name) != nil {
		return usage(fmt.Errorf("%w; it is one of stress run", err))
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	if near := flags.SuggestionsFor(name); len(near) > 0 {
		err = fmt.Errorf("%w; did you mean --%s", err, strings.Join(near, " or --"))
	}
	return usage(err)
}
