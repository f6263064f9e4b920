package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

const identityLong = `Examples:

  stress identity
  stress identity prog.o
  stress identity build/ other.o
  stress identity --json

identity loads programs into the running kernel, reads back its translated instructions
and its machine code, compiles the same instructions as it does, and compares the
images byte for byte; addresses must agree among themselves. FILEs are object files,
and folders of them; there is a line for each, and for each program that was not
compared. Without any, the programs are a corpus with every opcode, our own object
files, and some random ones. It needs the right to load programs, and exits with 4
without it, with 1 if an image differs, and else with 2 if a FILE cannot be read.`

// maxRandom bounds the random programs, which are all in memory at once.
const maxRandom = 100_000

// identity is the verb of that name.
type identity struct {
	output
	object string
	random count
}

func newIdentity() *cobra.Command {
	id := &identity{random: 400}
	cmd := &cobra.Command{
		Use: "identity [FILE...]", Short: "Compare images with the running kernel's", Long: identityLong, Args: cobra.ArbitraryArgs,
		RunE: id.answer(id.compare),
	}
	f := cmd.Flags()
	f.StringVar(&id.object, "object", "", "another FILE, as other verbs name it")
	f.Var(&id.random, "random", "random programs in the corpus")
	id.progressFlag(f, shortProgress)
	id.seedFlag(f)
	id.flags(f)
	return cmd
}

func (id *identity) compare(cmd *cobra.Command, files []string) (*report.Document, error) {
	if id.random > maxRandom {
		return nil, usagef("%d random programs: want 1 to %d", id.random, maxRandom)
	}
	if id.object != "" {
		files = append(files, id.object)
	}
	drawn, things := uint64(0), "objects"
	if len(files) == 0 {
		drawn = id.drawSeed(cmd)
	}
	if len(files) < 2 {
		things = "programs"
	}
	r, err := stress.RunningKernel{}.Identity(cmd.Context(), files, drawn, int(id.random), id.told(cmd, things))
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil, &exit{codeMissing, err}
	case err != nil && len(files) > 0:
		return nil, usage(err)
	case err != nil:
		return nil, failed(err)
	}
	d := report.New(r)
	if d.Verdict == report.Violated {
		return d, nil
	}
	return d, refusedOf(files, r)
}

// refusedOf is the exit of a file that was named and could not be read; one in a folder may be anything.
func refusedOf(files []string, r *report.Identity) error {
	for _, o := range r.Objects {
		if o.Refused != "" && slices.Contains(files, o.Name) {
			return usagef("%s: %s", o.Name, o.Refused)
		}
	}
	return nil
}
