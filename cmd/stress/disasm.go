package main

import (
	"github.com/spf13/cobra"
)

const disasmLong = `Examples:

  stress disasm
  stress disasm --layout seed --sites 2 --keys 1
  stress disasm --object prog.o --entry main

disasm lists the images of the entry and of the programs that its keys are given: bytes,
instructions, and which of them are poked.`

func newDisasm() *cobra.Command {
	s := &subjectFlags{}
	cmd := &cobra.Command{Use: "disasm", Short: "List the machine code", Long: disasmLong, Args: cobra.NoArgs}
	s.targetFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		subject, target, err := s.chosen().Resolve()
		if err != nil {
			return usage(err)
		}
		listing, err := target.Disassemble(subject.Layout)
		if err != nil {
			return usage(err)
		}
		if err := printText(cmd.OutOrStdout(), listing); err != nil {
			return failed(err)
		}
		return nil
	}
	return cmd
}
