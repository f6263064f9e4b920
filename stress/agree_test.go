package stress

import (
	"context"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// A liar answers in the place of an engine: nothing breaks anything.
type liar struct {
	judge.Engine
	verdict protocol.Verdict
}

func (l liar) Judge(ctx context.Context, j *judge.Job) (judge.Answer, error) {
	a, err := l.Engine.Judge(ctx, j)
	a.Verdict.Verdict, a.Property, a.Witness, a.Recorded = l.verdict, "", nil, nil
	return a, err
}

// TestEnginesDisagree: an engine that misses what another finds is a fault of the harness, not of
// the subject, whichever of them it is.
func TestEnginesDisagree(t *testing.T) {
	m, err := protocol.MutantByName("remove-order")
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Apply(protocol.DefaultSubject())
	if err != nil {
		t.Fatal(err)
	}
	w, err := workload.Generate(s.Shape, false)
	if err != nil {
		t.Fatal(err)
	}
	model, machine := judge.ByName(protocol.Model), judge.ByName(protocol.Machine)
	for name, c := range map[string]struct {
		asked []judge.Engine
		want  report.Overall
	}{
		"both right":        {[]judge.Engine{model, machine}, report.Violated},
		"a wrong proof":     {[]judge.Engine{liar{model, protocol.Proved}, machine}, report.Disagree},
		"a wrong safe":      {[]judge.Engine{model, liar{machine, protocol.Safe}}, report.Disagree},
		"both wrong":        {[]judge.Engine{liar{model, protocol.Proved}, liar{machine, protocol.Safe}}, report.Holds},
		"one that gave up":  {[]judge.Engine{liar{model, protocol.Bounded}, machine}, report.Violated},
		"one not supported": {[]judge.Engine{liar{model, protocol.Unsupported}, machine}, report.Violated},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{}
			j, _, err := o.job(s, w)
			if err != nil {
				t.Fatal(err)
			}
			d, err := o.ask(t.Context(), j, c.asked)
			if err != nil {
				t.Fatal(err)
			}
			if d.Verdict != c.want || (d.Disagreements != nil) != (c.want == report.Disagree) {
				t.Errorf("%s, %v; want %s", d.Verdict, d.Disagreements, c.want)
			}
		})
	}
}
