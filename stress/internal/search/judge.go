package search

import (
	"context"
	"runtime"
	"sync"

	"tailpoke/model"
	"tailpoke/patcher/protocol"
)

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
			Workers: 1, MaxStates: maxStates, Stop: func() bool { return ctx.Err() != nil },
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
