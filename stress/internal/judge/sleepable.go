package judge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tailpoke/internal/vm/guest"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/report"
)

// sleepableUpdate is the word for the control: what a held sleepable caller's key holds is replaced.
const sleepableUpdate = "update"

// sleepableAll is the word for every operation, which the engine steered takes.
const sleepableAll = "all"

// runSleepable asks the kernel about sleepable callers.
func runSleepable(ctx context.Context, j *Job) (Answer, error) {
	start := time.Now()
	c := kernel.Sleepable{
		Duration: j.duration(), Patience: j.patience(), MinCycles: j.live(protocol.Kernel).MinCycles,
		Updates: j.Sleepable == sleepableUpdate, AcrossPages: guest.ByEmulator(), Alone: guest.Here() != nil,
	}
	if j.Progress != nil {
		c.Progress = func(p report.Progress) { p.Engine = protocol.Kernel; j.Progress(p) }
	}
	if b := guest.NewBeacon(); b != nil {
		c.Began, c.Ended = b.Began, b.Ended
	}
	res, err := kernel.RunSleepable(ctx, c)
	if res != nil {
		err = res.Keep(err)
	}
	switch {
	case errors.Is(err, kernel.ErrUnsupported):
		return unsupported(err.Error()), nil
	case err != nil:
		return Answer{}, fmt.Errorf("the kernel: %w", err)
	}
	v := res.SleepableVerdict()
	v.Kernel.KernelFacts = kernel.FactsOf()
	v.Seconds = time.Since(start).Seconds()
	return Answer{Verdict: v}, nil
}
