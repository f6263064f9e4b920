package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// A runner runs tests against faults.
type runner struct {
	tree     *tree
	dir      string // for what is thrown away
	timeout  time.Duration
	suites   map[string]*suite
	progress io.Writer
}

// newRunner returns a runner and what removes its files.
func newRunner(t *tree, progress io.Writer, timeout time.Duration) (*runner, func(), error) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return nil, nil, err
	}
	r := &runner{tree: t, dir: dir, timeout: timeout, suites: map[string]*suite{}, progress: progress}
	return r, func() { os.RemoveAll(dir) }, nil
}

// sample runs faults of a drawing until count of them have compiled.
func (r *runner) sample(ctx context.Context, out io.Writer, d *drawing, count, jobs int) ([]verdict, error) {
	var compiled []verdict
	for len(compiled) < count {
		faults := d.take(count - len(compiled))
		if len(faults) == 0 {
			return compiled, fmt.Errorf("there are no more than %d faults", len(compiled))
		}
		verdicts, err := r.all(ctx, out, faults, jobs)
		for _, v := range verdicts {
			if v.outcome == uncompiled {
				d.uncompiled++
				continue
			}
			compiled = append(compiled, v)
		}
		if err != nil {
			return compiled, err
		}
	}
	return compiled, nil
}

// all runs faults, some at a time. What it returns of those that were not stopped is in order.
func (r *runner) all(ctx context.Context, out io.Writer, faults []fault, jobs int) ([]verdict, error) {
	if err := r.measureAll(ctx, faults); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	verdicts := make([]*verdict, len(faults))
	var mu sync.Mutex // of out
	var workers sync.WaitGroup
	next := make(chan int)
	for range max(1, jobs) {
		workers.Go(func() {
			for i := range next {
				v, err := r.judge(ctx, faults[i])
				if err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				show(out, r.tree, v)
				mu.Unlock()
				verdicts[i] = &v
			}
		})
	}
	for i := range faults {
		next <- i
	}
	close(next)
	workers.Wait()
	var done []verdict
	for _, v := range verdicts {
		if v != nil {
			done = append(done, *v)
		}
	}
	return done, context.Cause(ctx)
}

// measureAll runs the tests that the faults need without any.
func (r *runner) measureAll(ctx context.Context, faults []fault) error {
	for _, f := range faults {
		for _, pkg := range testsOf(packageOf(f)) {
			if r.suites[pkg] != nil {
				continue
			}
			s, err := r.measure(ctx, pkg)
			if err != nil {
				return err
			}
			r.suites[pkg] = s
			fmt.Fprintf(r.progress, "mutate: tests of %s take %.1f s\n", pkg, s.took.Seconds())
			for _, name := range s.bad {
				fmt.Fprintf(r.progress, "mutate: %s of %s fails without a fault: not used\n", name, pkg)
			}
		}
	}
	return nil
}
