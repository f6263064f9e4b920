package stress

import (
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/catalogue"
	"tailpoke/stress/internal/workload"
)

// Choice names a subject and its workload; an empty field is the default's.
type Choice = catalogue.Choice

// Workload is what threads execute, and what its keys may be given.
type Workload = workload.Workload

// DefaultWorkload is the program of the main job, which clang compiled.
func DefaultWorkload() *Workload { return workload.Default() }

// LoadScript reads a script from a file. An error in its text names line and column.
func LoadScript(path string) (Script, error) { return catalogue.Script(path) }

// What a program that presents reports has to name; it needs no other package.
type (
	// Engine judges a subject.
	Engine = protocol.Engine
	// EngineVerdict is what one engine says, in a word.
	EngineVerdict = protocol.Verdict
	// Script is a list of calls for the engines that execute.
	Script = protocol.Script
)

// ParseEngines reads names of engines.
func ParseEngines(names []string) ([]protocol.Engine, error) {
	var out []protocol.Engine
	for _, n := range names {
		e := protocol.Engine(n)
		if !slices.Contains(Engines(), e) {
			return nil, fmt.Errorf("unknown engine %q; there are: %v", n, Engines())
		}
		out = append(out, e)
	}
	return out, nil
}
