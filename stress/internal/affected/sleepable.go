package affected

import (
	"context"
	"errors"

	"tailpoke/internal/vm/guest"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/report"
)

func sleepableFault() Fault {
	return Fault{
		Name: "sleepable", Origin: "0f0c332992b8", Versions: "7.0 to 7.3", Race: true, Endangers: true,
		Shown: "7.3.4 loses the registers of a caller within seconds",
		Says: "a removal does not wait for sleepable callers, and one that is held in its site goes on in " +
			"its own code with its frame unwound",
		ask: askSleepable,
	}
}

func askSleepable(b *bench) finding {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-b.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	res, err := kernel.RunSleepable(ctx, kernel.Sleepable{
		Duration: b.race, Patience: min(b.race, settleTime/2), MinCycles: enough, AcrossPages: guest.ByEmulator(), Alone: guest.Here() != nil,
	})
	if errors.Is(err, kernel.ErrUnsupported) {
		return inapplicable("%v", err)
	}
	b.must(err)
	return judgeSleepable(res)
}

// judgeSleepable says what a run came to. A cycle in which the reader was held is a trial.
func judgeSleepable(res *kernel.Result) finding {
	v := res.SleepableVerdict()
	held := res.Overlaps.Sum()
	switch {
	case res.Bad > 0:
		return has("%s", res.Findings[0].Text)
	case v.Verdict != protocol.NotObserved:
		return unclear("%s", v.Reason)
	}
	f := found(report.NotSeen, "%d removals, %d of them while the caller was held in an execution", res.Removes, held)
	f.trials = held
	return f
}
