package workload

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	last     [][]bool          // by outcome: whether it comes of falling through, or of which program, counted from 1
	unknown  string            // why some result is not known; "" if all are
	coarse   bool              // contents are not followed anew: too much is unknown for that to pay
	bit      map[uint64]uint64 // by value
	shared   bool              // some value is returned by more than one program
	states   int               // that are explored at most
	lo, hi   int               // bytes of the context that may be written
	data     map[string]*interp.Map

	mu    sync.Mutex        // guards what follows, and what the interpreter does with data
	known map[string]uint64 // masks by contents, at most maxKnown
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
	return explored(until, w, l, ctx, 0)
}

// explored is an oracle that explores so many states at most; 0: as many as the interpreter does.
func explored(until context.Context, w *Workload, l *jit.Layout, ctx Context, states int) (*Oracle, error) {
	o := &Oracle{
		workload: w, layout: l, ctx: ctx, states: states,
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
	if errors.Is(err, interp.ErrBounded) && until.Err() == nil {
		o.unknown = err.Error()
		res, err = o.anything(), nil
	}
	if err != nil {
		return nil, err
	}
	o.take(res)
	return o, nil
}

// anything is what a workload may return whose paths are too many: what its markers return, and anything.
func (o *Oracle) anything() *interp.Result {
	res := &interp.Result{Unknown: &interp.Outcome{Last: []string{""}}, CtxHi: len(o.ctx.Bytes)}
	for i, p := range o.workload.Programs {
		if i < o.workload.unmarked() {
			res.Unknown.Last = append(res.Unknown.Last, p.Name)
			continue
		}
		res.Outcomes = append(res.Outcomes, interp.Outcome{R0: markOf(i - o.workload.unmarked()), Last: []string{p.Name}})
	}
	return res
}

// take takes what exploring with every content has given.
func (o *Oracle) take(res *interp.Result) {
	o.lo, o.hi = res.CtxLo, res.CtxHi
	all := res.Outcomes
	n := len(all)
	if res.Unknown != nil {
		n++
	}
	if n > exec.MaxOutcomes {
		o.unknown = fmt.Sprintf("%s may return %d different values; at most %d can be told apart", o.workload.Entry.Name, n, exec.MaxOutcomes)
		marks := o.anything()
		all, res.Unknown = marks.Outcomes, marks.Unknown
	}
	for i, out := range all {
		o.add(out, false)
		o.bit[out.R0] = 1 << i
	}
	if res.Unknown != nil {
		o.add(*res.Unknown, true)
		if o.unknown == "" {
			o.unknown = o.workload.Entry.Name + " returns what it finds, or what a helper gives"
		}
	}
	o.coarse = o.unknown != "" && res.States > coarseFrom || res.States == 0 && res.Unknown != nil
}

// coarseFrom is how many states an exploration may have that is done again for every content.
const coarseFrom = 1 << 10

func (o *Oracle) add(out interp.Outcome, any bool) {
	last := make([]bool, 1+len(o.workload.Programs))
	for _, name := range out.Last {
		last[1+slices.IndexFunc(o.workload.Programs, func(p *jit.Program) bool { return p.Name == name })] = true
	}
	o.last = append(o.last, last)
	skip := slices.Contains(out.Last, "")
	o.outcomes = append(o.outcomes, live.Outcome{Value: out.R0, Skip: skip, Tail: !skip || len(out.Last) > 1, Any: any})
	o.shared = o.shared || len(out.Last) > 1 && !skip || len(out.Last) > 2
}

// Blind names what the returned values cannot show; "" if nothing.
func (o *Oracle) Blind() string {
	if o.unknown != "" {
		return "what it returns is not judged, but for programs that return a number of their own: " + o.unknown
	}
	if hidden := o.likeMisses(); hidden != nil {
		return "misses may stay unseen, as falling through returns the same as " + strings.Join(hidden, ", ")
	}
	if o.shared {
		return "several programs return the same: stale ones may stay unseen"
	}
	return ""
}

// likeMisses names the programs that return what falling through returns.
func (o *Oracle) likeMisses() (names []string) {
	for i, out := range o.outcomes {
		for j, p := range o.workload.Programs {
			if out.Skip && out.Tail && o.last[i][1+j] && !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// Unknown is why some result is not known; "" if all are.
func (o *Oracle) Unknown() string { return o.unknown }

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
	mask := o.coarsely(held)
	if !o.coarse {
		res, err := o.explore(held, nil)
		if err != nil {
			return 0, err
		}
		mask = 0
		for _, out := range res.Outcomes {
			mask |= o.bit[out.R0]
		}
		if res.Unknown != nil {
			mask |= 1 << (len(o.outcomes) - 1)
		}
	}
	if len(o.known) >= maxKnown {
		clear(o.known)
	}
	o.known[string(o.buf)] = mask
	return mask, nil
}

// maxKnown bounds the masks that are kept: of 16 keys there are more contents than a machine has memory.
const maxKnown = 1 << 16

// coarsely are the outcomes that come of falling through, or of a program that a key holds, whatever
// led there.
func (o *Oracle) coarsely(held [][]int) (mask uint64) {
	may := make([]bool, 1+len(o.workload.Programs))
	may[0] = true
	for _, ps := range held {
		for _, p := range ps {
			may[1+p] = true // live.None is falling through
		}
	}
	for i, last := range o.last {
		for n := range last {
			if last[n] && may[n] {
				mask |= 1 << i
			}
		}
	}
	return mask
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
		Layout: o.layout, Maps: o.data, Shared: true, Unknown: true, Stop: stop, MaxStates: o.states,
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
