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

// A suite is the tests of an entry of the table, as they were without a fault.
type suite struct {
	entry string
	pkg   string
	flags []string
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
func (r *runner) measure(ctx context.Context, entry, bin string) (*suite, error) {
	words := strings.Fields(entry)
	s := &suite{entry: entry, pkg: words[0], flags: words[1:]}
	start := time.Now()
	run := r.exec(ctx, s.pkg, bin, "", r.timeout, append(slices.Clone(s.flags), "-test.v")...)
	if run.timedOut {
		return nil, fmt.Errorf("tests of %s take longer than %v without a fault", s.pkg, r.timeout)
	}
	s.took = time.Since(start)
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
		return nil, fmt.Errorf("tests of %s fail without a fault: %w\n%s", s.pkg, run.err, run.out)
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
	fmt.Fprintf(r.progress, "mutate: tests of %s take %.1f s\n", s.pkg, s.took.Seconds())
	for _, name := range s.bad {
		fmt.Fprintf(r.progress, "mutate: %s of %s fails without a fault: not used\n", name, s.pkg)
	}
	return s, nil
}

// passes returns the arguments of the runs of a suite, the quick one first. Some tests are not run.
func (s *suite) passes(without []string) [][]string {
	without = slices.Concat(s.bad, without)
	if len(s.quick) == 0 {
		return [][]string{slices.Concat(s.flags, skip(without))}
	}
	return [][]string{
		slices.Concat(s.flags, skip(without), []string{"-test.run=" + exactly(s.quick)}),
		slices.Concat(s.flags, skip(slices.Concat(without, s.quick))),
	}
}

func skip(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return []string{"-test.skip=" + exactly(names)}
}

func exactly(names []string) string { return "^(" + strings.Join(names, "|") + ")$" }
