package search

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// MaxSteps bounds the steps of an operation that is searched for: one more multiplies the
// texts by more than ten. Six take minutes.
const MaxSteps = 6

// Options says what is searched for.
type Options struct {
	Op    string // the operation that is varied, or "all" for each in turn; the others stay
	Steps int    // most steps of the operation, 1 to MaxSteps; each counts none
	Sites int    // for the costs, from 1
	// Progress, if set, is called after each candidate, by one goroutine at a time.
	Progress func(op string, judged, candidates int)
}

// ops are the operations that are varied.
func (o *Options) ops() ([]protocol.OpKind, error) {
	var all []protocol.OpKind
	for op := range protocol.OpKind(protocol.OpKinds) {
		if op.String() == o.Op {
			return []protocol.OpKind{op}, nil
		}
		all = append(all, op)
	}
	if o.Op == "all" {
		return all, nil
	}
	return nil, fmt.Errorf("unknown operation %q; there are: %v, or all", o.Op, all)
}

// Run searches, and ranks what is safe. If ctx ends, the report has what was judged until then.
// An error is a fault of the input.
func Run(ctx context.Context, s protocol.Subject, o Options) (*report.Search, error) {
	if o.Steps < 1 || o.Steps > MaxSteps {
		return nil, fmt.Errorf("%d steps: want 1 to %d", o.Steps, MaxSteps)
	}
	if o.Sites < 1 {
		return nil, fmt.Errorf("%d sites: want 1 or more", o.Sites)
	}
	if s.Protocol.NamesGraces() {
		return nil, fmt.Errorf("protocol %s has kinds of readers, or names for grace periods: a search writes texts without",
			s.Protocol.Name)
	}
	ops, err := o.ops()
	if err != nil {
		return nil, err
	}
	r := &report.Search{
		Protocol: s.Protocol.Name, Method: s.Method.Name, Grace: s.Grace.Name,
		Steps: o.Steps, Sites: o.Sites,
	}
	for _, shape := range shapes {
		r.Shapes = append(r.Shapes, report.ModelShape{Threads: 1, Sites: shape.Sites, Programs: shape.Programs, Keys: shape.Keys})
	}
	for _, op := range ops {
		out, all := candidatesOf(ctx, s.Protocol, op, o.Steps)
		progress := func(judged int) {
			if o.Progress != nil {
				o.Progress(out.Op, judged, len(all))
			}
		}
		if err := judgeAll(ctx, s, all, progress); err != nil {
			return nil, err
		}
		out.Found = rank(all, s.Protocol, op, o.Sites)
		count(out, all)
		r.Searches = append(r.Searches, *out)
		if ctx.Err() != nil {
			break
		}
	}
	return r, nil
}

// A candidate is a text that the model is asked about.
type candidate struct {
	word     []letter
	protocol protocol.Protocol
	sum
	verdict  protocol.Verdict // "" before it was judged
	property protocol.Property
}

// candidatesOf enumerates and prunes. Of an alphabet's words few are left, so that
// nothing cleverer is needed.
func candidatesOf(ctx context.Context, base protocol.Protocol, op protocol.OpKind, steps int) (*report.OpSearch, []*candidate) {
	out := &report.OpSearch{Op: op.String(), Refuted: map[protocol.Property]int{}}
	var all []*candidate
	seen := map[string]bool{}
	words(op, steps, func(word []letter) bool {
		out.Enumerated++
		p := &out.Pruned
		switch publishes := countOf(word, protocol.Publish); {
		case publishes == 0:
			p.Silent++
			return ctx.Err() == nil
		case publishes > 1:
			p.Repeats++ // the second one changes nothing
			return ctx.Err() == nil
		}
		base.Ops[op] = stepsOf(word)
		switch base.LifeFault(op) {
		case protocol.NoLeak:
			p.Leaks++
		case protocol.NoDoubleFree:
			p.Frees++
		case protocol.NoEarlyFree:
			p.Early++
		default:
			c := newCandidate(base, op, word)
			if seen[c.behaviour] {
				p.Repeats++
				break
			}
			seen[c.behaviour] = true
			all = append(all, c)
		}
		return ctx.Err() == nil
	})
	out.Candidates = len(all)
	return out, all
}

func newCandidate(base protocol.Protocol, op protocol.OpKind, word []letter) *candidate {
	c := &candidate{word: append([]letter{}, word...), protocol: base}
	c.protocol.Name = "found"
	c.protocol.Ops[op] = stepsOf(word)
	c.sum = sumOf(c.protocol, op)
	return c
}

// shapes are what candidates are judged on, the small ones first: most are
// refuted with one site.
var shapes = []protocol.Shape{
	{Threads: 1, Sites: 1, Programs: 2, Keys: 1},
	{Threads: 1, Sites: 2, Programs: 2, Keys: 1},
	{Threads: 1, Sites: 2, Programs: 2, Keys: 2},
}

// maxStates bounds one check; the kernel's order has ten thousand.
const maxStates = 1_000_000

// judge asks the model about a candidate on every shape, until one refutes it.
func (c *candidate) judge(ctx context.Context, s protocol.Subject) error {
	s.Protocol = c.protocol
	var verdict protocol.Verdict
	var property protocol.Property
	for _, s.Shape = range shapes {
		res, err := model.Check(s, model.Options{
			Workers: 1, MaxStates: maxStates, Stop: func(model.Far) bool { return ctx.Err() != nil },
		})
		if err != nil || ctx.Err() != nil {
			return err // a check that was stopped has no verdict
		}
		verdict, property = res.Verdict, res.Property
		if verdict == protocol.Proved && (res.Reached.Unexplored() != "" || res.Reached.Runs == 0) {
			verdict = protocol.Vacuous
		}
		if verdict != protocol.Proved {
			break
		}
	}
	c.verdict, c.property = verdict, property
	return nil
}

// judgeAll judges every candidate, on all CPUs: checks this small gain nothing from
// workers of their own. It ends early with ctx, or with an error.
func judgeAll(ctx context.Context, s protocol.Subject, all []*candidate, progress func(judged int)) error {
	var (
		mu      sync.Mutex // guards what follows
		next    int        // the candidate to be judged next
		judged  int
		problem error
		workers sync.WaitGroup
	)
	take := func() *candidate {
		mu.Lock()
		defer mu.Unlock()
		if problem != nil || ctx.Err() != nil || next == len(all) {
			return nil
		}
		next++
		return all[next-1]
	}
	done := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		judged++
		if err != nil && problem == nil {
			problem = err
		}
		progress(judged)
	}
	for range min(runtime.GOMAXPROCS(0), len(all)) {
		workers.Go(func() {
			for c := take(); c != nil; c = take() {
				done(c.judge(ctx, s))
			}
		})
	}
	workers.Wait()
	return problem
}
