package stress

import (
	"fmt"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/cpu"
)

// What a program that presents reports has to name; it needs no other package.
type (
	// Engine judges a subject.
	Engine = protocol.Engine
	// EngineVerdict is what one engine says, in a word.
	EngineVerdict = protocol.Verdict
	// Script is a list of calls for the cpu engine.
	Script = protocol.Script
	// CPUProgress is what the cpu engine, or the kernel engine, has counted so far.
	CPUProgress = cpu.Result
)

// LoadScript reads a script from a file. An error in its text names line and column.
func LoadScript(path string) (Script, error) {
	none := func(string) (Script, error) { return nil, fmt.Errorf("%s: no such file", path) }
	return byNameOrFile(path, nil, none, protocol.ParseScript)
}
