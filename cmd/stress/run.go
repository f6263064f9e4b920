package main

import (
	"github.com/spf13/cobra"

	"tailpoke/stress"
)

const runLong = `Examples:

  stress run --protocol batched --method word
  stress run --protocol my.txt --threads 4 --duration 30s
  stress run --sites 3 --keys 2 --engine model
  stress run --object prog.o --entry main --require cpu
  stress run --grace sleep --expect violated --stop-at-first
  stress run --script calls.txt --seed 0x2a

run judges one subject. Without subject flags it is the default one. With --sites,
--programs or --keys the program is generated. With --script the machine engine explores
the calls in the file, whose first line may say the values of subject flags that are not
given: "# protocol=lazy sites=2". The cpu engine and the kernel engine carry them out, and random calls
after them if there is a --duration. The model still gives its verdict on all calls.`

func newRun() *cobra.Command { return runCommand(&judging{}) }

// runCommand makes the verb, whose flags j has.
func runCommand(j *judging) *cobra.Command {
	cmd := &cobra.Command{Use: "run", Short: "Judge any subject", Long: runLong, Args: cobra.NoArgs, RunE: j.answer(j.judge)}
	f := cmd.Flags()
	j.protocolFlags(f)
	j.targetFlags(f)
	j.threadsFlag(f)
	j.cpuFlags(f, stress.DefaultDuration, shortProgress)
	j.modelFlags(f)
	f.Var(&j.budget, "budget", "time for all engines together, which is divided among them, in the place of --duration: where it ends the machine engine before any 2 operations were explored, that is bounded")
	f.Lookup("budget").DefValue = ""
	j.expectFlag(f)
	j.seedFlag(f)
	j.flags(f)
	f.StringSliceVar(&j.engines, "engine", nil, "engines to ask (default all)")
	f.StringSliceVar(&j.required, "require", nil, "engines without whose answer the run fails")
	f.StringVar(&j.trace, "trace", "", "file to write the beginning of the cpu engine's trace to, of the kernel engine's if that alone is asked, for stress conform")
	f.Var(&j.callers, "callers", "copies of the entry that the kernel engine executes")
	f.Lookup("callers").DefValue = "2"
	f.Var(&j.sleepable, "sleepable", "the kernel engine executes a sleepable caller of its own, holds it in its site, and removes what its key holds, or with update replaces it; the engine steered has callers that are, and with install or all that operation, or every one")
	f.Lookup("sleepable").NoOptDefVal = "remove"
	f.BoolVar(&j.whole, "whole", false, "the engine steered holds readers at each of their instructions, and leaves no schedule out that another one stands for")
	j.witnessFlag(f)
	perfettoFlag(f, &j.perfetto)
	f.StringVar(&j.script, "script", "", "file of calls for the machine, cpu and kernel engines: put KEY PROGRAM, delete KEY, load, unload")
	return cmd
}
