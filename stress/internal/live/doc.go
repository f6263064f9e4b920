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
//
//	class        what was seen                                        property
//	a            registers of the caller lost, stack pointer right    never-a
//	registers    stack pointer wrong, or a value no path returns      registers
//	miss         fell through although the key held a program         no-miss
//	stale        ran a program that the key did not hold              fresh
//	uaf          trapped in the text of a freed program               no-use-after-free
//	torn         faulted where no instruction begins, or in a slot    no-torn
//	crash        any other fault                                      registers
//	endless      an execution or an operation did not end             progress
//	bytes        a slot held other bytes than it may, or should       expected-bytes
//	double-free  an operation let go again of what it replaced        no-double-free
//	early-free   it let go of that while the map's pointer named it   no-early-free
//	leak         it ended without letting go of that                  no-leak
//	conformance  the trace is no behaviour of the model               conformance
//
// The last one is not for an engine to find, but for the taker of the trace.
//
// An engine says what it saw. That it saw nothing is no proof: see the bound in [Result.RateMax].
package live
