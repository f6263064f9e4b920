package cpu

import (
	"tailpoke/jit"
	"tailpoke/jit/host"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// Config says what is run.
type Config struct {
	live.Config
	Subject  protocol.Subject // protocol, method, grace flavour, and number of threads
	Layout   *jit.Layout
	Entry    *jit.Program            // what the threads execute
	Programs []*jit.Program          // what the keys are given
	Maps     map[string]int          // number of keys of each prog array that the programs name
	Data     map[string]host.MapSpec // the other maps that the programs name
	Ctx      []byte
	Packet   []byte // what Ctx refers to, if it is a struct __sk_buff; nil: it is not
	NoBoost  bool   // runs as on a machine that grants no real-time priority
}

// Result is what a run saw.
type Result struct {
	live.Result
	report.PatcherCounts
}

// Verdict is what it comes to.
func (r *Result) Verdict() report.Verdict {
	v := r.Result.Verdict()
	v.PatcherCounts = &r.PatcherCounts
	return v
}
