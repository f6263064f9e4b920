package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

type options struct {
	seed, only uint64
	count      int
	time       time.Duration
	jobs       int
	stress     string
	verbose    bool
}

var errViolations = errors.New("outcomes are not as documented")

func main() {
	var o options
	flag.Uint64Var(&o.seed, "seed", 1, "what inputs are drawn by")
	flag.IntVar(&o.count, "count", 1000, "how many inputs to run")
	flag.DurationVar(&o.time, "time", 0, "begin no input after that time; 0 is no such bound")
	flag.IntVar(&o.jobs, "jobs", 2, "how many at a time")
	flag.Uint64Var(&o.only, "only", 0, "run the input with this number and no other")
	flag.StringVar(&o.stress, "stress", "", "the command, if it is not to be built")
	flag.BoolVar(&o.verbose, "v", false, "print each input and its outcome")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if signal.Ignored(syscall.SIGHUP) { // by nohup: the command would inherit that, and keep it
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	if err := abuse(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "abuse:", err)
		stop()
		os.Exit(1)
	}
}

// abuse does what the options say with the module in the working folder.
func abuse(ctx context.Context, w io.Writer, o options) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "abuse")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // for inputs without rights
		return err
	}
	a := &abuser{w: w, dir: dir, stress: o.stress, seed: o.seed, verbose: o.verbose, tally: tally{}}
	defer func() {
		if a.violations == 0 {
			os.RemoveAll(dir)
		}
	}()
	if a.stress == "" {
		a.stress = filepath.Join(dir, "stress")
		build := exec.CommandContext(ctx, "go", "build", "-o", a.stress, "./cmd/stress")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
	}
	if a.material, err = gather(ctx, root, a.stress); err != nil {
		return err
	}
	fmt.Fprintf(w, "seed %d\n", o.seed)
	began := time.Now()
	err = a.all(ctx, o)
	a.tally.write(w)
	fmt.Fprintf(w, "seed %d, %.0f s, %d violations\n", o.seed, time.Since(began).Seconds(), a.violations)
	if err == nil && a.violations > 0 {
		err = errViolations
	}
	return err
}

// An abuser runs inputs and judges their outcomes.
type abuser struct {
	dir, stress string
	seed        uint64
	verbose     bool
	material    *material

	mu         sync.Mutex // of what follows
	w          io.Writer
	tally      tally
	violations int
}

// all runs inputs until there were enough, or their time is over.
func (a *abuser) all(ctx context.Context, o options) error {
	if o.only != 0 {
		return a.one(ctx, o.only)
	}
	var workers sync.WaitGroup
	numbers, errs := make(chan uint64), make(chan error, o.count)
	for range max(1, o.jobs) {
		workers.Go(func() {
			for n := range numbers {
				if err := a.one(ctx, n); err != nil {
					errs <- err
				}
			}
		})
	}
	began := time.Now()
	for n := range uint64(o.count) {
		if ctx.Err() != nil || len(errs) > 0 || o.time > 0 && time.Since(began) > o.time {
			break
		}
		numbers <- n + 1
	}
	close(numbers)
	workers.Wait()
	close(errs)
	return <-errs
}

// one runs the input with a number. The folder of one whose outcome is wrong stays.
func (a *abuser) one(ctx context.Context, n uint64) error {
	in := draw(a.seed, n, a.material)
	dir := filepath.Join(a.dir, fmt.Sprint(n))
	o, err := in.run(ctx, a.stress, dir)
	if err != nil {
		return fmt.Errorf("input %d (%s): %w", n, in.kind, err)
	}
	wrong := judge(in, o)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tally.add(in, o)
	if a.verbose {
		fmt.Fprintf(a.w, "%5d %5.2f s %3d %s: %.200q: %.200q\n", n, o.took.Seconds(), o.code, in.kind, in.args, o.stderr)
	}
	if len(wrong) == 0 {
		for _, of := range []string{".stdin", ".stdout", ".stderr"} {
			os.Remove(dir + of) // where there is one
		}
		return os.RemoveAll(dir)
	}
	a.violations++
	fmt.Fprintf(a.w, "VIOLATION: scripts/abuse --seed %d --only %d (%s, %.1f s, exit code %d)\n", a.seed, n, in.kind, o.took.Seconds(), o.code)
	for _, what := range wrong {
		fmt.Fprintf(a.w, "    %s\n", what)
	}
	fmt.Fprintf(a.w, "    %.400q\n    %s\n", o.stderr, in.again(a.stress, dir))
	return nil
}
