package stress

import (
	"context"
	"encoding/json"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/report"
)

// Round has an engine on real CPUs judge a subject in a process of its own, as [Run] would do it in
// this one: whatever goes wrong there is an end of the round, and ends nothing else. told is given
// what was seen up to then about once a second, and ends the round by an error. A process that tells
// nothing for as long as silence, or has more than MaxMemory, is ended, and its stacks are kept. An
// error is a fault of the input.
func (o Options) Round(ctx context.Context, s protocol.Subject, w *Workload, e Engine, silence time.Duration,
	told func(report.Beat) error) (report.Ended, error) {
	j, _, err := o.job(s, w)
	if err != nil {
		return report.Ended{}, err
	}
	r := judge.Round{Engine: e, Told: told, Silence: silence}
	return r.Run(ctx, j), nil
}

// Text is a subject and its workload by the names of their parts, and as JSON that needs no other
// file.
func (o Options) Text(s protocol.Subject, w *Workload) (*report.Subject, json.RawMessage, error) {
	j, _, err := o.job(s, w)
	if err != nil {
		return nil, nil, err
	}
	text, err := judge.Parcel(j)
	return j.Named(), text, err
}
