package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type options struct {
	seed     uint64
	count    int
	packages string
	jobs     int
	timeout  time.Duration
	list     bool
	only     string
	least    float64
}

var errTooFew = errors.New("too few faults were killed")

func main() {
	var o options
	flag.Uint64Var(&o.seed, "seed", 1, "what the sample is drawn by")
	flag.IntVar(&o.count, "count", 200, "how many faults to make")
	flag.StringVar(&o.packages, "packages", roomNames(), "where to make them: names of rooms, or packages with those below them")
	flag.IntVar(&o.jobs, "jobs", 1, "how many at a time")
	flag.DurationVar(&o.timeout, "timeout", 10*time.Minute, "most that the tests of a package may take, for one fault")
	flag.BoolVar(&o.list, "list", false, "print the sample and run nothing")
	flag.StringVar(&o.only, "only", "", "run the faults with these ids, with commas between, and no others")
	flag.Float64Var(&o.least, "least", 0, "fail if fewer than this many percent are killed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root, err := os.Getwd()
	if err == nil {
		err = mutate(ctx, os.Stdout, os.Stderr, root, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// mutate does what the options say with the module at root.
func mutate(ctx context.Context, out, progress io.Writer, root string, o options) error {
	argued, err := parseArguments(equivalentText)
	if err != nil {
		return err
	}
	t, err := readTree(root)
	if err != nil {
		return err
	}
	if o.only != "" {
		return mutateOnly(ctx, out, progress, t, o)
	}
	packages, err := chosen(o.packages, t.paths())
	if err != nil {
		return err
	}
	d, err := draw(t, argued, packages, o.seed)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "mutate: seed %d, %d faults in %d lines of %s\n", o.seed, o.count, len(d.lines), o.packages)
	if o.list {
		for _, f := range d.take(o.count) {
			show(out, t, verdict{fault: f})
		}
		return nil
	}
	r, done, err := newRunner(t, out, progress, o)
	if err != nil {
		return err
	}
	defer done()
	verdicts, err := r.sample(ctx, d, o.count)
	summary(out, d, verdicts)
	if err == nil && percent(verdicts) < o.least {
		err = errTooFew
	}
	return err
}

// mutateOnly runs some faults, and says what noticed them.
func mutateOnly(ctx context.Context, out, progress io.Writer, t *tree, o options) error {
	var faults []fault
	for id := range strings.SplitSeq(o.only, ",") {
		f, err := find(t, strings.TrimSpace(id))
		if err != nil {
			return err
		}
		if !t.compiles(f) {
			return fmt.Errorf("%s does not compile", id)
		}
		faults = append(faults, f)
	}
	r, done, err := newRunner(t, out, progress, o)
	if err != nil {
		return err
	}
	defer done()
	verdicts, err := r.all(ctx, faults)
	if err == nil && percent(verdicts) < o.least {
		err = errTooFew
	}
	return err
}
