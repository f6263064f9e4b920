package judge

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/internal/live"
	"tailpoke/stress/report"
)

// accuser is an oracle to which every result is wrong, and which fails as soon as one was seen.
type accuser struct {
	live.Oracle
	seen atomic.Bool
}

var errAccuser = errors.New("the harness fails")

func (a *accuser) Legal([][]int) (uint64, error) {
	if a.seen.Load() {
		return 0, errAccuser
	}
	return 0, nil
}

// TestErrorBehindAFinding: a run that ends with an error has violated what it was seen to violate before
// it, and says both.
func TestErrorBehindAFinding(t *testing.T) {
	o := Options{Duration: time.Minute, Seed: 1}
	for name, run := range map[string]func(*accuser, func(report.Verdict)) (Answer, error){
		"cpu": func(a *accuser, sofar func(report.Verdict)) (Answer, error) {
			needCPU(t)
			j := jobOf(t, sites(t, 1), o)
			oracle, err := j.Workload.Oracle(t.Context(), j.Layout, j.Workload.Context)
			if err != nil {
				t.Fatal(err)
			}
			c, err := cpuConfig(j, oracle)
			if err != nil {
				t.Fatal(err)
			}
			a.Oracle, c.Oracle, c.Sofar = oracle, a, sofar
			res, err := runWatched(t.Context(), c, newWatch(j.Subject, nil, 0))
			if err != nil {
				return Answer{}, err
			}
			return Answer{Verdict: res.Verdict()}, nil
		},
		"kernel": func(a *accuser, sofar func(report.Verdict)) (Answer, error) {
			if err := kernel.Supported(); err != nil {
				t.Skipf("no kernel to run in: %v", err)
			}
			j := jobOf(t, sites(t, 1), o)
			k, err := kernelConfig(context.Background(), j)
			if err != nil {
				t.Fatal(err)
			}
			a.Oracle, k.Oracle, k.Sofar = k.Oracle, a, sofar
			return runKernel(t.Context(), j, k)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := &accuser{}
			got, err := run(a, func(v report.Verdict) { a.seen.Store(v.Bad() > 0) })
			if err != nil {
				t.Fatal(err)
			}
			if v := got.Verdict; v.Verdict != protocol.Violated || len(v.Findings) == 0 || !strings.Contains(v.Reason, errAccuser.Error()) {
				t.Errorf("%s %q: %v", v.Verdict, v.Reason, v.Findings)
			}
		})
	}
}
