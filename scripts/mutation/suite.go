package main

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A suite is the tests of one package, as they were without a fault.
type suite struct {
	pkg   string
	quick []string // tests to run first
	bad   []string // tests that fail without a fault
	took  time.Duration
}

// quickShare is the part of a suite's time that its quick tests may take, and quickLeast what
// they may take in any case.
const (
	quickShare = 0.15
	quickLeast = 2 * time.Second
)

// ended finds the tests, examples and fuzz targets that ended, with their time.
var ended = regexp.MustCompile(`(?m)^--- (PASS|FAIL): (\S+) \(([0-9.]+)s\)$`)

// measure runs a package's tests with every gate closed.
func (r *runner) measure(ctx context.Context, pkg, bin string) (*suite, error) {
	start := time.Now()
	run := r.exec(ctx, pkg, bin, "", r.timeout, "-test.v")
	if run.timedOut {
		return nil, fmt.Errorf("tests of %s take longer than %v without a fault", pkg, r.timeout)
	}
	s := &suite{pkg: pkg, took: time.Since(start)}
	type test struct {
		name string
		took time.Duration
	}
	var tests []test
	for _, m := range ended.FindAllStringSubmatch(run.out, -1) {
		took, err := time.ParseDuration(m[3] + "s")
		if err != nil {
			return nil, err
		}
		if m[1] == "FAIL" {
			s.bad = append(s.bad, m[2])
			continue
		}
		tests = append(tests, test{m[2], took})
	}
	if run.err != nil && len(s.bad) == 0 {
		return nil, fmt.Errorf("tests of %s fail without a fault: %w\n%s", pkg, run.err, run.out)
	}
	slices.SortFunc(tests, func(a, b test) int {
		return cmp.Or(cmp.Compare(a.took, b.took), cmp.Compare(a.name, b.name))
	})
	budget := max(quickLeast, time.Duration(quickShare*float64(s.took)))
	for _, t := range tests {
		if budget -= t.took; budget < 0 {
			break
		}
		s.quick = append(s.quick, t.name)
	}
	if len(s.quick) == len(tests) {
		s.quick = nil // one pass is enough
	}
	fmt.Fprintf(r.progress, "mutate: tests of %s take %.1f s\n", pkg, s.took.Seconds())
	for _, name := range s.bad {
		fmt.Fprintf(r.progress, "mutate: %s of %s fails without a fault: not used\n", name, pkg)
	}
	return s, nil
}

// passes returns the arguments of the runs of a suite, the quick one first.
func (s *suite) passes() [][]string {
	if len(s.quick) == 0 {
		return [][]string{skip(s.bad)}
	}
	return [][]string{
		append(skip(s.bad), "-test.run="+exactly(s.quick)),
		skip(slices.Concat(s.bad, s.quick)),
	}
}

func skip(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return []string{"-test.skip=" + exactly(names)}
}

func exactly(names []string) string { return "^(" + strings.Join(names, "|") + ")$" }
