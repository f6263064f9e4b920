package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tailpoke/stress"
	"tailpoke/stress/report"
)

const identityLong = `Examples:

  stress identity
  stress identity --object prog.o
  stress identity --json

identity loads programs into the running kernel, reads back its translated instructions
and its machine code, compiles the same instructions with layout v6.12, and compares the
images byte for byte; addresses must agree among themselves. Without --object the
programs are a corpus with every opcode, our own object files, and some random ones. It needs the right to load
programs, and exits with 4 without it, with 1 if an image differs.`

// identity is the verb of that name.
type identity struct {
	object string
	random count
	seed   seed
	json   bool
}

func newIdentity() *cobra.Command {
	id := &identity{random: 400}
	cmd := &cobra.Command{
		Use: "identity", Short: "Compare images with the running kernel's", Long: identityLong,
		Args: cobra.NoArgs, RunE: id.runE,
	}
	f := cmd.Flags()
	f.StringVar(&id.object, "object", "", "compare the programs of this object file")
	f.Var(&id.random, "random", "random programs in the corpus")
	f.Var(&id.seed, "seed", "seed of the random programs, decimal or 0x hexadecimal (default random)")
	f.BoolVar(&id.json, "json", false, "print one JSON object")
	f.Lookup("seed").DefValue = ""
	return cmd
}

func (id *identity) runE(cmd *cobra.Command, _ []string) error {
	seed := seedOf(cmd, id.seed)
	if id.object == "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "seed %#x\n", seed)
	}
	r, err := stress.Identity(id.object, seed, int(id.random))
	switch {
	case errors.Is(err, stress.ErrNoKernel):
		return &exit{codeMissing, err}
	case err != nil && id.object != "":
		return usage(err)
	case err != nil:
		return failed(err)
	}
	if id.json {
		err = printJSON(cmd.OutOrStdout(), r)
	} else {
		err = printText(cmd.OutOrStdout(), identityText(r))
	}
	switch {
	case err != nil:
		return failed(err)
	case r.Programs == 0:
		return &exit{codeNoVerdict, nil}
	case r.Identical != r.Programs:
		return &exit{codeViolated, nil}
	}
	return nil
}

func identityText(r *report.Identity) string {
	var b strings.Builder
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "%s differs\n%s\n", d.Name, d.Listing)
	}
	for _, d := range r.Rejected {
		fmt.Fprintf(&b, "%s was not loaded: %s\n", d.Name, oneLine(d.Listing))
	}
	for _, d := range r.Unsupported {
		fmt.Fprintf(&b, "%s is not compared: %s\n", d.Name, oneLine(d.Listing))
	}
	fmt.Fprintf(&b, "%d of %d images identical, %d distinct opcodes\n", r.Identical, r.Programs, r.Opcodes)
	return b.String()
}
