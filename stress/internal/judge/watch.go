package judge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
)

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

// newWatch watches what an engine does with a subject. The trace has events of the kinds that are
// recorded, nil: of all. Its text is kept up to a number of items.
func newWatch(s protocol.Subject, records []protocol.EventKind, keep int) *watch {
	w := &watch{keep: keep, kept: protocol.Trace{Records: records}}
	var err error
	if w.conformer, err = model.NewConformer(s, records); err != nil {
		w.giveUp(err.Error())
	}
	return w
}

// giveUp says why nothing can be held against the model.
func (w *watch) giveUp(reason string) { w.conformer, w.reason = nil, reason }

// attach has a run watched: what is no behaviour of the model is a finding. The subject's protocol
// is what must be carried out; an engine that carries it out otherwise is at fault, or judges
// something else. The context is the run's.
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
		t.Text = fmt.Sprintf(itemsForm+"%v", len(w.kept.Items), w.items, w.kept)
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
