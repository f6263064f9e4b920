package stress

import (
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/workload"
)

// TestProgramsWithMaps runs programs with variables, hashes, per-CPU counts, helpers and packets
// while their keys change.
func TestProgramsWithMaps(t *testing.T) {
	if err := Missing(protocol.CPU); err != nil {
		t.Skip(err)
	}
	for object, entry := range map[string]string{"sockex3.o": "parse_ether", "tailcall.o": "chain_or_pair"} {
		target, err := workload.LoadObject("internal/regress/bpf/"+object, entry)
		if err != nil {
			t.Fatal(err)
		}
		s := protocol.DefaultSubject()
		s.Shape = target.Shape(4)
		rep, err := Run(t.Context(), s, target, Options{Engines: []protocol.Engine{protocol.CPU}, Duration: 400 * time.Millisecond, Seed: 1})
		if err != nil {
			t.Errorf("%s: %v", object, err)
			continue
		}
		if v := rep.Verdicts[0]; v.Verdict == protocol.Violated || v.Executions == 0 {
			t.Errorf("%s: %+v", object, v)
		}
	}
}
