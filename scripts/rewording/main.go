package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	limit := flag.Duration("timeout", 20*time.Minute, "most that the tests of a package may take")
	short := flag.Bool("short", true, "run the short forms of the tests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	args := []string{"-count=1", "-vet=off", "-timeout=" + limit.String()}
	if *short {
		args = append(args, "-short")
	}
	if err := run(ctx, os.Stdout, args); err != nil {
		fmt.Fprintln(os.Stderr, "reword:", err)
		stop()
		os.Exit(1)
	}
}

var errReads = errors.New("tests that are not golden fail: something reads rendered text")

// run does it all; args are for go test.
func run(ctx context.Context, w io.Writer, args []string) error {
	folder, err := os.MkdirTemp("", "reword")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	overlay, count, err := reword(folder)
	if err != nil {
		return err
	}
	packages, err := reached(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d literals reworded in %d files; %d packages can see them\n", count, len(renderers()), len(packages))
	changed := append([]string{"-overlay=" + overlay}, args...)
	failed, err := test(ctx, changed, packages, "")
	if err != nil {
		return err
	}
	guilty, golden := 0, map[string]bool{}
	for _, t := range failed {
		if t.golden() {
			golden[t.pkg] = true
			fmt.Fprintf(w, "golden   %s\n", t)
			continue
		}
		reads, err := t.reads(ctx, changed, args)
		if err != nil {
			return err
		}
		if reads {
			guilty++
			fmt.Fprintf(w, "READS    %s\n", t)
		} else {
			fmt.Fprintf(w, "by luck  %s\n", t)
		}
	}
	for _, p := range rewordedPackages() {
		if !golden[p] {
			return fmt.Errorf("no golden test of %s fails: its words are not pinned", p)
		}
	}
	if guilty > 0 {
		return errReads
	}
	fmt.Fprintln(w, "only golden tests fail")
	return nil
}

// A failure is a test that failed, or a package whose tests did not come to their end.
type failure struct{ pkg, test string }

func (f failure) String() string { return strings.TrimSpace(f.pkg + " " + f.test) }

// golden says whether the test holds what is printed against what was printed before, which an
// example always does.
func (f failure) golden() bool {
	return strings.Contains(f.test, "Golden") || strings.HasPrefix(f.test, "Example")
}

// reads says whether the test fails again with other words, and not with these.
func (f failure) reads(ctx context.Context, changed, args []string) (bool, error) {
	for _, try := range []struct {
		args  []string
		fails bool
	}{{changed, true}, {args, false}} {
		pattern := "^" + f.test + "$"
		if f.test == "" {
			pattern = ""
		}
		again, err := test(ctx, try.args, []string{f.pkg}, pattern)
		if err != nil {
			return false, err
		}
		if slices.Contains(again, f) != try.fails {
			return false, nil
		}
	}
	return true, nil
}
