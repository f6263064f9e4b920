package report

import "tailpoke/patcher/protocol"

// Progress is how far an engine on real CPUs is with its run.
type Progress struct {
	Engine     protocol.Engine
	Seconds    float64
	Executions uint64
	Operations uint64
	Cycles     uint64
	Traps      uint64 // of our own patcher's pokes
	Bad        uint64 // executions with a finding
}
