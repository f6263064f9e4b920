package main

import (
	"fmt"
	"slices"
	"strings"
)

// A room is a name for packages whose faults are drawn together. A package stands for those
// below it as well.
type room struct {
	name     string
	packages []string
}

// rooms returns what --packages knows by name; all of them are its default.
func rooms() []room {
	return []room{
		{"model", []string{"model"}},
		{"machine", []string{"stress/internal/sim"}},
		{"cpu", []string{"stress/internal/cpu", "stress/internal/live"}},
		{"patcher", []string{"patcher"}},
		{"jit", []string{"jit"}},
	}
}

// testsOf is the table of the tests that a package is mapped to, quick ones first: packages, with
// flags for the test binary where some of their tests alone are meant. A package that has no row
// has that of the package above it, with its own tests in front.
func testsOf(pkg string) []string {
	const root = "stress -test.short -test.run=" +
		"^Test(MainJob|RunConforms|PatcherGoneWrong|Scripts|WithoutPriorities|NothingOverlapped|CancelledRunReports)$"
	table := map[string][]string{
		"jit":                  {"jit", "jit/host", "stress/internal/native", "stress/internal/identity"},
		"jit/x86":              {"jit/x86", "jit", "stress/internal/native"},
		"jit/interp":           {"jit/interp", "stress/internal/native", "stress/internal/regress"},
		"jit/exec":             {"jit/exec", "patcher/rcu", "patcher/text", "patcher", "stress/internal/step"},
		"patcher":              {"patcher", "stress/internal/native", "stress/internal/step"},
		"patcher/protocol":     {"patcher/protocol", "model/promela", "patcher", "stress/internal/sim", "model"},
		"patcher/rcu":          {"patcher/rcu", "patcher"},
		"patcher/text":         {"patcher/text", "patcher"},
		"model":                {"model"},
		"stress/internal/sim":  {"stress/internal/sim", "stress/internal/step"},
		"stress/internal/cpu":  {"stress/internal/cpu", root},
		"stress/internal/live": {"stress/internal/live", "stress/internal/cpu", "stress/internal/kernel", root},
	}
	if tests, ok := table[pkg]; ok {
		return tests
	}
	above, _, ok := cutLast(pkg)
	if !ok {
		return []string{pkg}
	}
	return slices.Compact(append([]string{pkg}, slices.DeleteFunc(slices.Clone(testsOf(above)), func(p string) bool { return p == pkg })...))
}

func cutLast(pkg string) (above, last string, ok bool) {
	i := strings.LastIndexByte(pkg, '/')
	if i < 0 {
		return "", pkg, false
	}
	return pkg[:i], pkg[i+1:], true
}

// chosen lists the packages that --packages names, of those that there are.
func chosen(names string, all []string) ([]string, error) {
	var out []string
	for name := range strings.SplitSeq(names, ",") {
		roots := []string{name}
		for _, r := range rooms() {
			if r.name == name {
				roots = r.packages
			}
		}
		before := len(out)
		for _, p := range all {
			if slices.ContainsFunc(roots, func(root string) bool { return p == root || strings.HasPrefix(p, root+"/") }) {
				out = append(out, p)
			}
		}
		if len(out) == before {
			return nil, fmt.Errorf("--packages: there is no package %s", name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func roomNames() string {
	var out []string
	for _, r := range rooms() {
		out = append(out, r.name)
	}
	return strings.Join(out, ",")
}
