package report

import "tailpoke/patcher/protocol"

// Progress is how far an engine is.
type Progress struct {
	Engine  protocol.Engine
	Seconds float64
	Whole   float64 // seconds that it takes at most, 0: nobody knows

	// Of an engine on real CPUs.
	Executions uint64
	Operations uint64
	Cycles     uint64
	Traps      uint64              // of our own patcher's pokes
	Bad        uint64              // executions with a finding
	Broken     []protocol.Property // what they break, as far as findings were kept; each once
	// RateMax bounds the violations per cycle, if none was seen, as of a soak; 0 and 1 say nothing.
	RateMax, Confidence float64

	// Of an engine that explores.
	Explores bool
	States   uint64 // found
	Level    uint64 // states as far away as those that are at hand
	Depth    uint64 // how many steps that is
	Memory   uint64 // of the process, in bytes

	// Of one that steers a kernel.
	Steers    bool
	Schedules uint64 // taken, or found to be impossible
}
