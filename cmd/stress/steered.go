package main

import (
	"github.com/spf13/cobra"

	"tailpoke/internal/vm/guest"
	"tailpoke/stress"
)

// newSteeredGuest makes the hidden verb that a machine runs which is steered.
func newSteeredGuest() *cobra.Command {
	return &cobra.Command{
		Use: stress.SteeredGuestVerb, Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if guest.Here() == nil {
				return usagef("%s is for virtual machines of this command alone", cmd.Name())
			}
			if err := stress.SteeredGuest(cmd.InOrStdin(), cmd.OutOrStdout()); err != nil {
				return failed(err)
			}
			return nil
		},
	}
}
