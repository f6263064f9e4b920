package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// reached are the packages whose tests are built of a renderer, as paths from the root.
func reached(ctx context.Context) ([]string, error) {
	module, err := output(ctx, "go", "list", "-m")
	if err != nil {
		return nil, err
	}
	prefix := strings.TrimSpace(module)
	list, err := output(ctx, "go", "list", "-test", "-f", "{{.ImportPath}} {{join .Deps \" \"}}", "./...")
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(list) {
		tested, isTest := strings.CutSuffix(strings.Fields(line)[0], ".test")
		if !isTest {
			continue
		}
		for _, p := range rewordedPackages() {
			if slices.Contains(strings.Fields(line), prefix+strings.TrimPrefix(p, ".")) {
				out = append(out, "."+strings.TrimPrefix(tested, prefix))
				break
			}
		}
	}
	return out, nil
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	raw, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return string(raw), err
}

// test runs tests of packages and lists those that fail: subtests under the name of their test. A
// pattern that is not empty chooses them.
func test(ctx context.Context, args, packages []string, pattern string) ([]failure, error) {
	all := slices.Concat([]string{"test", "-json"}, args)
	if pattern != "" {
		all = append(all, "-run="+pattern)
	}
	cmd := exec.CommandContext(ctx, "go", append(all, packages...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	failed, readErr := failures(out)
	waitErr := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case readErr != nil:
		return nil, readErr
	case waitErr != nil && len(failed) == 0:
		return nil, fmt.Errorf("go %s: %w", strings.Join(all, " "), waitErr)
	}
	return failed, nil
}

// failures reads what go test -json says. A package that failed without a test of its own that did
// is a failure without a name.
func failures(r io.Reader) ([]failure, error) {
	var out []failure
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e struct{ Action, Package, Test string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Action != "fail" {
			continue // what the go command itself says is no object
		}
		_, path, _ := strings.Cut(e.Package, "/")
		f := failure{pkg: "./" + path}
		f.test, _, _ = strings.Cut(e.Test, "/")
		ofPackage := func(o failure) bool { return o.pkg == f.pkg }
		if slices.Contains(out, f) || f.test == "" && slices.ContainsFunc(out, ofPackage) {
			continue
		}
		out = append(out, f)
	}
	return out, lines.Err()
}
