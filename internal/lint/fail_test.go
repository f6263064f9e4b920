package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

// TestRulesCanFail shows each rule trees that break it and trees that do not.
func TestRulesCanFail(t *testing.T) {
	for _, c := range []struct {
		rule, path, text string
		want             string // in the fault; "": there is none
	}{
		{"imports", "model/a.go", "package model\nimport _ \"tailpoke/jit\"\n", "no such arrow"},
		{"imports", "model/a_test.go", "package model\nimport _ \"tailpoke/jit\"\n", "no such arrow"},
		{"imports", "model/a.go", "package model\nimport _ \"time\"\n", "no time"},
		{"imports", "model/a_test.go", "package model\nimport _ \"time\"\n", ""},
		{"imports", "jit/a.go", "package jit\nimport _ \"time\"\n", ""},
		{"imports", "jit/a.go", "package jit\nimport _ \"golang.org/x/sys/unix\"\n", "not a dependency"},
		{"imports", "jit/a.go", "package jit\nimport _ \"golang.org/x/arch/x86/x86asm\"\n", "not a dependency"},
		{"imports", "jit/a_test.go", "package jit\nimport _ \"golang.org/x/arch/x86/x86asm\"\n", ""},
		{"imports", "jit/a_windows.go", "package jit\nimport _ \"tailpoke/jit/exec\"\n", "no such arrow"},
		{"imports", "stress/a.go", "package stress\nimport _ \"tailpoke/cmd/stress\"\n", "nobody imports a command"},
		{"imports", "cmd/stress/a.go", "package main\nimport _ \"tailpoke/patcher/protocol\"\n", "no such arrow"},
		{"imports", "odd/doc.go", "// Package odd is.\npackage odd\n", "does not know this package"},
		{"rapid-in-tests-alone", "jit/a.go", "package jit\nimport _ \"pgregory.net/rapid\"\n", "belongs in tests"},
		{"rapid-in-tests-alone", "jit/a_test.go", "package jit\nimport _ \"pgregory.net/rapid\"\n", ""},
		{"unsafe-in-one-package", "jit/a.go", "package jit\nimport _ \"unsafe\"\n", "unsafe belongs"},
		{"unsafe-in-one-package", "jit/a_test.go", "package jit\nimport _ \"unsafe\"\n", "unsafe belongs"},
		{"unsafe-in-one-package", "jit/exec/a.go", "package exec\nimport _ \"unsafe\"\n", ""},
		{"unsafe-in-one-package", "jit/a_amd64.s", "TEXT\n", "assembly belongs"},
		{"unsafe-in-one-package", "jit/exec/a_amd64.s", "TEXT\n", ""},
		{"unsafe-in-one-package", "jit/a.go", "package jit\n\n//go:linkname a b\nfunc a()\n", "go:linkname belongs"},
		{"no-init", "jit/a.go", "package jit\n\nfunc init() {}\n", "func init"},
		{"no-init", "jit/a_test.go", "package jit\n\nfunc init() {}\n", ""},
		{"no-init", "jit/a.go", "package jit\n\nfunc (T) init() {}\n", ""},
		{"package-documents", "jit/a.go", "package jit\n", "no doc.go"},
		{"package-documents", "jit/doc.go", "package jit\n", "no doc.go"},
		{"package-documents", "jit/a.go", "// Package jit is.\npackage jit\n", "belongs in doc.go"},
		{"package-documents", "jit/doc.go", "// Package jit is.\npackage jit\n", ""},
		{"short-files", "jit/a.go", "package jit\n" + strings.Repeat("\n", maxLines), fmt.Sprintf("%d lines", maxLines+1)},
		{"short-files", "jit/a.go", "package jit\n" + strings.Repeat("\n", maxLines-1), ""},
		{"short-files", "jit/a_test.go", "package jit\n" + strings.Repeat("\n", maxLines), ""},
		{"narrow-lines", "jit/a.go", "package jit\n\n// " + strings.Repeat("ä", maxColumns-2) + "\n", "a.go:3: 101 columns"},
		{"narrow-lines", "jit/a.go", "package jit\n\n// " + strings.Repeat("ä", maxColumns-3) + "\n", ""},
		{"narrow-lines", "jit/a_test.go", "package jit\n\n// " + strings.Repeat("a", maxColumns) + "\n", ""},
		{"slots-are-data", "model/a.go", "package model\n\nvar noBypass int\n", "a.go:3:5: noBypass"},
		{"slots-are-data", "model/a.go", "package model\n\nvar a = p.Bypass\n", "a.go:3:11: Bypass"},
		{"slots-are-data", "model/a.go", "package model\n\nvar a = `the BYPASS jumps`\n", "the BYPASS jumps"},
		{"slots-are-data", "model/a.go", "// Package model has a bypass.\npackage model\n", ""},
		{"slots-are-data", "model/a_test.go", "package model\n\nvar bypass int\n", ""},
		{"slots-are-data", "patcher/protocol/tailcall.go", "package protocol\n\nvar bypass int\n", ""},
		{"slots-are-data", "patcher/protocol/tailcall_zoo.go", "package protocol\n\nvar bypass int\n", ""},
		{"slots-are-data", "patcher/protocol/tailcall2.go", "package protocol\n\nvar bypass int\n", "bypass"},
		{"slots-are-data", "jit/x86/a.go", "package x86\n\nvar bypass int\n", ""},
		{"slots-are-data", "jit2/a.go", "package jit2\n\nvar bypass int\n", "bypass"},
		{"small-root", "stress/a.go", "package stress\n\nconst (\n" + constants("A", maxRootNames+1) + ")\n", "31 exported names"},
		{"small-root", "stress/a.go", "package stress\n\nconst (\n" + constants("A", maxRootNames) + constants("a", 9) + ")\n", ""},
		{"small-root", "stress/a.go", "package stress\n\nimport (\n" + imported(maxRootImports+1) + ")\n", "9 imports"},
		{"small-root", "stress/a_test.go", "package stress\n\nimport (\n" + imported(maxRootImports+1) + ")\n", ""},
		{"small-root", "stress/b/a.go", "package b\n\nimport (\n" + imported(maxRootImports+1) + ")\n", ""},
		{"gofmt", "jit/a.go", "package jit\nfunc  a() {}\n", "not as gofmt"},
		{"gofmt", "jit/a.go", "package jit\n\nfunc a() {}\n", ""},
		{"no-machine-paths", "README.md", "see\n/" + "work/x\n", "README.md:2: "},
		{"no-machine-paths", "README.md", "see ./network/x, work/x\n", ""},
		{"schemas", "stress/a.go", "package stress\n\nconst a = `\"stress/odd/3\"`\n", "docs/schemas/odd-3.json: no such file"},
		{"schemas", "cmd/stress/a.go", "package main\n\nvar a = listed(\"odd\", a, b)\n", "docs/schemas/odd-1.json: no such file"},
		{"schemas", "stress/a.go", "package stress\n\nconst a = `\"stress/witness/1\"`\n", ""},
		{"schemas", "docs/schemas/odd-3.json", "{}\n", "no code names"},
		{"pages", "docs/a.md", "see `docs/b.go`\n", "docs/a.md:1: docs/b.go: no such file"},
		{"pages", "docs/a.md", "\n    $ go run ./docs/b\n", "docs/a.md:2: docs/b: no such file"},
		{"pages", "docs/a.md", "see `docs/a.md`, `docs`, `other/b.go`, `https://docs/b`\n", ""},
		{"pages", "docs/a.md", "[b](b.md)\n", "b.md: no such file"},
		{"pages", "docs/a.md", "[b](a.md#two)\n# One\n", "a.md#two: no such heading"},
		{"pages", "docs/a.md", "[b](../docs/a.md#one-two) [c](#one-two) [d](https://x.org/#y)\n## One, two?\n", ""},
		{"pages", "docs/a.md", "call `Gone`\n", "Gone: no Go file declares it"},
		{"pages", "docs/a.md", "call `testing.Short`\n", ""},
		{"pages", "docs/a.md", "`CAP_BPF`, `A`, `a Gone thing`\n", ""},
		{"pages", "docs/a.md", strings.Repeat("a", 101) + "\n", "docs/a.md:1: more than 100 columns"},
		{"pages", "docs/a.md", strings.Repeat("ä", 100) + "\n| " + strings.Repeat("a", 101) + "\n", ""},
		{"pages", "CHANGELOG.md", "`CHANGELOG.md/gone`\n", ""},
	} {
		t.Run(c.rule+"/"+c.path, func(t *testing.T) {
			tree := &tree{}
			if err := tree.add(c.path, c.text); err != nil {
				t.Fatal(err)
			}
			tree.packages = []string{tree.files[0].pkg()}
			if !strings.HasPrefix(c.rule, "package") && !strings.HasPrefix(c.path, "odd/") {
				tree.packages = nil
			}
			all := slices.Concat(rules, later)
			i := slices.IndexFunc(all, func(r rule) bool { return r.name == c.rule })
			got := strings.Join(all[i].find(tree), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("%q: faults %q, want %q", c.text, got, c.want)
			}
		})
	}
}

// constants declares so many constants whose names begin with a letter.
func constants(letter string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\t%s%d = 1\n", letter, i)
	}
	return b.String()
}

// imported imports so many packages of this module.
func imported(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\t_ \"%s/p%d\"\n", module, i)
	}
	return b.String()
}

func TestZooRuleCanFail(t *testing.T) {
	engines := []protocol.Engine{protocol.Model, protocol.CPU}
	full := map[protocol.Engine]protocol.Verdict{protocol.Model: protocol.Proved, protocol.CPU: protocol.NotObserved}
	for want, zoo := range map[string][]protocol.Mutant{
		"":                                       {{Name: "m", Expect: full}},
		"two mutants are called m":               {{Name: "m", Expect: full}, {Name: "m", Expect: full}},
		"does not say what the cpu engine":       {{Name: "m", Expect: map[protocol.Engine]protocol.Verdict{protocol.Model: protocol.Proved}}},
		"expects something of abacus, which is ": {{Name: "m", Expect: map[protocol.Engine]protocol.Verdict{protocol.Model: "safe", protocol.CPU: "safe", "abacus": "safe"}}},
	} {
		got := strings.Join(unexpected(zoo, engines), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("faults %q, want %q", got, want)
		}
	}
}
