// Package live is what the engines on real CPUs have in common: threads execute a workload while
// one mutator changes its keys, and what executions return is compared with what the keys held.
//
//	Driver    decides what is called and when: a script, then random calls. It knows what each key
//	          holds, makes install, update or remove of that, and says of each what executions may
//	          return in it and after it
//	Engine    carries it out: our own patcher does (package cpu), or a kernel (package kernel)
//	Oracle    knows what an execution may return
//	Tape      hands the trace of a run over to its taker, in buffers; a Recorder writes one of the
//	          patcher's events
//	Result    counts, and says what that comes to
//
// Between two operations the contents of the keys are known, so an execution that begins and ends
// there may return only what these contents give; one that overlaps a single operation, what the
// old contents and the new ones give in any mixture. The class of a finding says what was wrong:
// stress list findings. Whether a trace conforms is not for an engine to find, but for its taker.
//
// An engine says what it saw. That it saw nothing is no proof: see the bound in [Result.RateMax].
package live
