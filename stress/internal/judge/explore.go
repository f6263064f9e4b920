package judge

import (
	"context"
	"errors"
	"fmt"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// ErrBudget ends an exploration whose time is over, as the cause of its context.
var ErrBudget = errors.New("its time was over")

// exploration watches an engine that explores: it says about once a second how far it is, and ends
// it, with the cause, when the process has more memory than it may.
type exploration struct {
	states, level, depth atomic.Int64
	cancel               context.CancelCauseFunc
	done                 sync.WaitGroup
	over                 chan struct{}
}

// looks is how often memory is looked at in the time between two reports.
const looks = 10

// explore starts to watch an engine. The exploration is to be ended.
func (j *Job) explore(ctx context.Context, e protocol.Engine) (context.Context, *exploration) {
	x := &exploration{over: make(chan struct{})}
	ctx, x.cancel = context.WithCancelCause(ctx)
	if j.Progress == nil && j.MaxMemory == 0 {
		return ctx, x
	}
	x.done.Go(func() {
		start := time.Now()
		tick := time.NewTicker(time.Second / looks)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-x.over:
				return
			case <-tick.C:
			}
			used := memory()
			if j.MaxMemory != 0 && used > j.MaxMemory {
				x.cancel(fmt.Errorf("the process had more than %d MiB of memory", j.MaxMemory>>20))
				return
			}
			if j.Progress != nil && n%looks == 0 {
				j.Progress(report.Progress{
					Engine: e, Seconds: time.Since(start).Seconds(), Explores: true, Memory: used,
					States: uint64(x.states.Load()), Level: uint64(x.level.Load()), Depth: uint64(x.depth.Load()),
				})
			}
		}
	})
	return ctx, x
}

// far notes how far the engine is.
func (x *exploration) far(states, level, depth int) {
	x.states.Store(int64(states))
	x.level.Store(int64(level))
	x.depth.Store(int64(depth))
}

// end waits until nobody watches any more.
func (x *exploration) end() {
	close(x.over)
	x.done.Wait()
	x.cancel(nil)
}

// memory is what the process has of the Go heap and of stacks, in bytes.
func memory() uint64 {
	all := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(all)
	return all[0].Value.Uint64() - all[1].Value.Uint64()
}

// endedBy says what ended an exploration; "" if nothing did.
func endedBy(ctx context.Context) string {
	if ctx.Err() == nil {
		return ""
	}
	return ": " + context.Cause(ctx).Error()
}
