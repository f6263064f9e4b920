package stress

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tailpoke/jit"
	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/cpu"
	"tailpoke/stress/internal/live"
)

// maxKept bounds the items of a trace that is written to a file.
const maxKept = 50_000

// A watch holds what the patcher does in a run against the model, while the run goes on.
type watch struct {
	conformer *model.Conformer
	reason    string // why it does not, or no more
	keep      int    // items for the text
	kept      protocol.Trace
	items     int
	missed    func()        // called at the first item that does not fit
	after     time.Duration // since the run began, that was
}

// attach has a run watched: what is no behaviour of the model is a finding. The subject's
// protocol is what must be carried out, and whoever carries it out otherwise is at fault, or
// judges something else. The context is the run's.
func (w *watch) attach(ctx context.Context, c *live.Config) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	start := time.Now()
	w.missed = func() {
		if w.after = time.Since(start); c.StopAtFirst {
			cancel()
		}
	}
	c.Trace = w.take
	return ctx, cancel
}

// runTraced runs the cpu engine and holds its trace against the model. The text of the trace
// is kept up to a number of items.
func runTraced(ctx context.Context, c cpu.Config, keep int) (*cpu.Result, error) {
	w := newWatch(c.Subject, c.Programs, c.Keys, nil, keep)
	ctx, cancel := w.attach(ctx, &c.Config)
	defer cancel()
	res, err := cpu.Run(ctx, c)
	if err == nil {
		w.report(&res.Result)
	}
	return res, err
}

// newWatch watches what is done with keys that are given programs; the trace has events of the kinds
// that are recorded, nil: of all.
func newWatch(s protocol.Subject, programs []*jit.Program, keys []protocol.Key, records []protocol.EventKind, keep int) *watch {
	w := &watch{keep: keep, kept: protocol.Trace{Records: records}}
	for _, p := range programs {
		for _, call := range p.TailCalls {
			if call.Const && slices.Contains(keys, protocol.Key{Map: call.Map, Index: int(call.Key)}) {
				w.reason = fmt.Sprintf("%s has direct sites of its own, which come and go with the keys", p.Name)
				return w
			}
		}
	}
	var err error
	if w.conformer, err = model.NewConformer(s, records); err != nil {
		w.reason = err.Error()
	}
	return w
}

// take is given the trace's items as they come.
func (w *watch) take(items []protocol.Item) {
	if n := min(len(items), w.keep-len(w.kept.Items)); n > 0 {
		w.kept.Items = append(w.kept.Items, items[:n]...)
	}
	w.items += len(items)
	for i := 0; i < len(items) && w.reason == ""; i++ {
		fits, err := w.conformer.Consume(items[i])
		switch {
		case err != nil:
			w.reason = err.Error()
		case !fits:
			w.reason = w.conformer.Result().Mismatch.String()
			w.missed()
		}
	}
}

// report says in the result what became of the trace.
func (w *watch) report(res *live.Result) {
	t := res.Trace
	t.Reason = w.reason
	if w.keep > 0 {
		t.Text = fmt.Sprintf("# %d of %d items\n%v", len(w.kept.Items), w.items, w.kept)
	}
	if w.conformer == nil {
		return
	}
	r := w.conformer.Result()
	t.Consumed = uint64(r.Events)
	if t.Reason == "" && r.Vacuous() {
		t.Reason = "nothing was recorded"
	}
	t.Conforms = t.Reason == "" && t.Consumed+t.Omitted == t.Events
	if r.Mismatch == nil {
		return
	}
	res.Bad++
	res.Findings = slices.Insert(res.Findings, 0,
		live.Finding{Class: live.ClassConformance, Thread: live.None, Text: r.Mismatch.String(), Count: 1})
	if first := w.after.Seconds(); res.FirstSeconds == 0 || first < res.FirstSeconds {
		res.FirstSeconds = first
	}
}
