package workload

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/interp"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/live"
)

// Oracle knows what a workload may return in a layout and with a context, by interpreting it.
// Several goroutines may use it.
type Oracle struct {
	workload *Workload
	layout   *jit.Layout
	ctx      Context
	keys     map[protocol.Key]int // index in workload.Keys
	outcomes []live.Outcome
	bit      map[uint64]uint64 // by value
	shared   bool              // some value is returned by more than one program
	lo, hi   int               // bytes of the context that may be written
	data     map[string]*interp.Map

	mu    sync.Mutex        // guards what follows, and what the interpreter does with data
	known map[string]uint64 // masks by contents
	buf   []byte            // for the names of contents
}

// oracleKey is what an oracle depends on, beside its workload.
type oracleKey struct {
	layout                 jit.Layout
	bytes, packet, unknown string
	kind                   interp.CtxKind
}

// Oracle explores the workload with every content of every key, and a context that need not be
// its own. It does so once for each layout and context. Where until ends first, the error wraps
// [interp.ErrBounded], and another call begins anew.
func (w *Workload) Oracle(until context.Context, l *jit.Layout, ctx Context) (*Oracle, error) {
	key := oracleKey{*l, string(ctx.Bytes), string(ctx.Packet), fmt.Sprint(ctx.Unknown), ctx.Kind}
	o, err := w.oracles.get(key, func() (*Oracle, error) { return newOracle(until, w, l, ctx) })
	if err != nil && until.Err() != nil {
		w.oracles.forget(key)
	}
	return o, err
}

func newOracle(until context.Context, w *Workload, l *jit.Layout, ctx Context) (*Oracle, error) {
	o := &Oracle{
		workload: w, layout: l, ctx: ctx,
		keys: map[protocol.Key]int{}, bit: map[uint64]uint64{}, known: map[string]uint64{},
	}
	if w.limit != nil {
		return nil, w.limit
	}
	var err error
	if o.data, err = w.Data.Interp(); err != nil {
		return nil, err
	}
	all := make([][]int, len(w.Keys))
	for i, k := range w.Keys {
		o.keys[k] = i
		all[i] = append(all[i], live.None)
		for p := range w.Programs {
			all[i] = append(all[i], p)
		}
	}
	res, err := o.explore(all, until.Done())
	if err != nil {
		return nil, err
	}
	if n := len(res.Outcomes); n > exec.MaxOutcomes {
		return nil, fmt.Errorf("%s may return %d different values; at most %d can be told apart", w.Entry.Name, n, exec.MaxOutcomes)
	}
	for i, out := range res.Outcomes {
		skip := slices.Contains(out.Last, "")
		o.outcomes = append(o.outcomes, live.Outcome{Value: out.R0, Skip: skip, Tail: !skip || len(out.Last) > 1})
		o.bit[out.R0] = 1 << i
		o.shared = o.shared || len(out.Last) > 1 && !skip || len(out.Last) > 2
	}
	o.lo, o.hi = res.CtxLo, res.CtxHi
	return o, nil
}

// Blind names what the returned values cannot show; "" if nothing.
func (o *Oracle) Blind() string {
	for _, out := range o.outcomes {
		if out.Skip && out.Tail {
			return "a program returns what falling through returns: misses may stay unseen"
		}
	}
	if o.shared {
		return "several programs return the same: stale ones may stay unseen"
	}
	return ""
}

// Outcomes lists what the workload may return, whatever its keys hold.
func (o *Oracle) Outcomes() []live.Outcome { return o.outcomes }

// Written is the range of bytes of the context that the workload may write.
func (o *Oracle) Written() (lo, hi int) { return o.lo, o.hi }

// Legal returns a bit for each outcome that is possible while key i holds one of
// held[i] at each tail call.
func (o *Oracle) Legal(held [][]int) (uint64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = appendContents(o.buf[:0], held)
	if m, ok := o.known[string(o.buf)]; ok {
		return m, nil
	}
	res, err := o.explore(held, nil)
	if err != nil {
		return 0, err
	}
	mask := uint64(0)
	for _, out := range res.Outcomes {
		mask |= o.bit[out.R0]
	}
	o.known[string(o.buf)] = mask
	return mask, nil
}

// appendContents appends a name of the contents of all keys.
func appendContents(b []byte, held [][]int) []byte {
	for _, ps := range held {
		b = binary.AppendVarint(b, int64(len(ps)))
		for _, p := range ps {
			b = binary.AppendVarint(b, int64(p))
		}
	}
	return b
}

func (o *Oracle) explore(held [][]int, stop <-chan struct{}) (*interp.Result, error) {
	res, err := interp.Explore(o.workload.Entry, interp.World{
		Ctx: o.ctx.Bytes, CtxKind: o.ctx.Kind, CtxUnknown: o.ctx.Unknown, Packet: o.ctx.Packet,
		Layout: o.layout, Maps: o.data, Shared: true, Stop: stop,
		MaxEntries: func(m string) uint32 { return uint32(o.workload.Maps[m]) },
		Held: func(m string, key uint32) []*jit.Program {
			i, ok := o.keys[protocol.Key{Map: m, Index: int(key)}]
			if !ok {
				return []*jit.Program{nil}
			}
			out := make([]*jit.Program, len(held[i]))
			for n, p := range held[i] {
				if p != live.None {
					out[n] = o.workload.Programs[p]
				}
			}
			return out
		},
	})
	if err != nil {
		return nil, fmt.Errorf("what may %s return: %w", o.workload.Entry.Name, err)
	}
	return res, nil
}
