package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// A runner runs tests against faults.
type runner struct {
	tree     *tree
	dir      string // for what is thrown away
	timeout  time.Duration
	jobs     int
	gates    bool // build many faults into one binary
	suites   map[string]*suite
	out      io.Writer
	progress io.Writer
	mu       sync.Mutex // of out
}

// newRunner returns a runner and what removes its files.
func newRunner(t *tree, out, progress io.Writer, o options) (*runner, func(), error) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return nil, nil, err
	}
	r := &runner{
		tree: t, dir: dir, timeout: o.timeout, jobs: max(1, o.jobs), gates: o.only == "",
		suites: map[string]*suite{}, out: out, progress: progress,
	}
	return r, func() { os.RemoveAll(dir) }, nil
}

// sample runs faults of a drawing until count of them have compiled.
func (r *runner) sample(ctx context.Context, d *drawing, count int) ([]verdict, error) {
	var compiled []verdict
	for len(compiled) < count {
		faults := d.take(count - len(compiled))
		if len(faults) == 0 {
			return compiled, fmt.Errorf("there are no more than %d faults", len(compiled))
		}
		verdicts, err := r.all(ctx, faults)
		for _, v := range verdicts {
			switch v.outcome {
			case uncompiled:
				d.uncompiled++
			case "":
			default:
				compiled = append(compiled, v)
			}
		}
		if err != nil {
			return compiled, err
		}
	}
	return compiled, nil
}

// all runs the tests that faults are mapped to, package by package, until one notices. What
// was stopped before has no outcome.
func (r *runner) all(ctx context.Context, faults []fault) ([]verdict, error) {
	verdicts := make([]verdict, len(faults))
	waits := map[string][]int{} // by entry of the table
	for i, f := range faults {
		verdicts[i].fault = f
		first := r.tree.testsOf(packageOf(f))[0]
		waits[first] = append(waits[first], i)
	}
	for len(waits) > 0 && ctx.Err() == nil {
		entry := r.most(waits)
		group := waits[entry]
		delete(waits, entry)
		if err := r.against(ctx, entry, verdicts, group); err != nil {
			return verdicts, err
		}
		for _, i := range group {
			v := &verdicts[i]
			tests := r.tree.testsOf(packageOf(v.fault))
			if v.outcome != survived {
				continue
			}
			if ctx.Err() != nil {
				v.outcome = "" // other tests might have noticed it
				continue
			}
			if next := 1 + slices.Index(tests, entry); next < len(tests) {
				v.outcome = ""
				waits[tests[next]] = append(waits[tests[next]], i)
				continue
			}
			show(r.out, r.tree, *v)
		}
	}
	return verdicts, ctx.Err()
}

// most is the entry of the table that most faults wait for.
func (r *runner) most(waits map[string][]int) string {
	best := ""
	for entry, group := range waits {
		if n := len(waits[best]); len(group) > n || len(group) == n && entry < best {
			best = entry
		}
	}
	return best
}

// against runs the tests of one entry against some of the faults.
func (r *runner) against(ctx context.Context, entry string, verdicts []verdict, group []int) error {
	pkg, _, _ := strings.Cut(entry, " ")
	b, err := r.batch(ctx, pkg, verdicts, group)
	if err != nil {
		return err
	}
	defer b.remove()
	if r.suites[entry] == nil {
		if r.suites[entry], err = r.measure(ctx, entry, b.bin); err != nil {
			return err
		}
	}
	var workers sync.WaitGroup
	next := make(chan int)
	errs := make(chan error, len(group))
	for range r.jobs {
		workers.Go(func() {
			for i := range next {
				v := &verdicts[i]
				errs <- r.one(ctx, b, r.suites[entry], v)
				if v.outcome != survived && ctx.Err() == nil {
					r.mu.Lock()
					show(r.out, r.tree, *v)
					r.mu.Unlock()
				}
			}
		})
	}
	for _, i := range group {
		next <- i
	}
	close(next)
	workers.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// one runs the tests of one suite against one fault.
func (r *runner) one(ctx context.Context, b *batch, s *suite, v *verdict) error {
	if ctx.Err() != nil {
		return nil
	}
	start := time.Now()
	defer func() {
		if v.took += time.Since(start); ctx.Err() != nil {
			v.outcome = "" // it was stopped
		}
	}()
	if gate := b.gates[v.id()]; gate != 0 {
		v.outcome, v.by = r.suite(ctx, s, b.bin, b.bin, fmt.Sprintf("%s=%d", gateVariable, gate))
		return nil
	}
	dir, err := os.MkdirTemp(r.dir, "fault")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	src := r.tree.packages[packageOf(v.fault)].src[v.file]
	bin, out, err := r.build(ctx, dir, s.pkg, map[string][]byte{v.file: v.apply(src)})
	if err != nil {
		v.outcome, v.by = uncompiled, out
		return nil
	}
	v.outcome, v.by = r.suite(ctx, s, b.bin, bin, "")
	return nil
}
