package main

import (
	"github.com/spf13/cobra"

	"tailpoke/stress/report"
)

const disasmLong = `Examples:

  stress disasm
  stress disasm --layout seed --sites 2 --keys 1
  stress disasm --object prog.o --entry main

disasm lists the images of the entry and of the programs that its keys are given: bytes,
instructions, and which of them are poked.`

func newDisasm() *cobra.Command {
	var o output
	var s subjectFlags
	cmd := &cobra.Command{Use: "disasm", Short: "List the machine code", Long: disasmLong, Args: cobra.NoArgs}
	cmd.RunE = o.answer(func(cmd *cobra.Command, _ []string) (*report.Document, error) {
		c, err := s.settled(cmd)
		if err != nil {
			return nil, err
		}
		subject, target, err := c.Resolve()
		if err != nil {
			return nil, usage(err)
		}
		listing, err := target.Disassemble(subject.Layout)
		if err != nil {
			return nil, usage(err)
		}
		return listed("disasm", "images", listing), nil
	})
	s.targetFlags(cmd.Flags())
	o.flags(cmd.Flags())
	return cmd
}

// listed is the document of a verb that has one text to show.
func listed(verb, name, text string) *report.Document {
	return report.New(&report.Listings{Of: verb, Listings: []report.Listing{{Name: name, Text: text}}})
}
