package main

import (
	"errors"

	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

const identityLong = `Examples:

  stress identity
  stress identity --object prog.o
  stress identity --json

identity loads programs into the running kernel, reads back its translated instructions
and its machine code, compiles the same instructions as it does, and compares the
images byte for byte; addresses must agree among themselves. Without --object the
programs are a corpus with every opcode, our own object files, and some random ones. It needs the right to load
programs, and exits with 4 without it, with 1 if an image differs.`

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
		Use: "identity", Short: "Compare images with the running kernel's", Long: identityLong,
		Args: cobra.NoArgs, RunE: id.answer(id.compare),
	}
	f := cmd.Flags()
	f.StringVar(&id.object, "object", "", "compare the programs of this object file")
	f.Var(&id.random, "random", "random programs in the corpus")
	id.progressFlag(f, shortProgress)
	id.seedFlag(f)
	id.flags(f)
	return cmd
}

func (id *identity) compare(cmd *cobra.Command, _ []string) (*report.Document, error) {
	if id.random > maxRandom {
		return nil, usagef("%d random programs: want 1 to %d", id.random, maxRandom)
	}
	drawn := uint64(0)
	if id.object == "" {
		drawn = id.drawSeed(cmd)
	}
	r, err := stress.RunningKernel{}.Identity(cmd.Context(), id.object, drawn, int(id.random), id.told(cmd, "programs"))
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil, &exit{codeMissing, err}
	case err != nil && id.object != "":
		return nil, usage(err)
	case err != nil:
		return nil, failed(err)
	}
	return report.New(r), nil
}
