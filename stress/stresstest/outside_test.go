package stresstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOutside has another module's tests judge protocols: the three lines of the README, and a
// protocol that is violated. Everything comes from this tree and from the module cache.
func TestOutside(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it builds a test of another module")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("no go tool: %v", err)
	}
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.org/patching\n\ngo 1.26\n\nrequire tailpoke v0.0.0\n\n"+
		"replace tailpoke => "+tree+"\n")
	write("go.sum", read(t, filepath.Join(tree, "go.sum")))
	write("texts_test.go", "package patching\n\nconst myProtocol = `"+kernelText+"`\n\n"+
		"const hasty = `"+hastyText+"`\n")
	write("patching_test.go", `package patching

import (
	"testing"

	"tailpoke/stress"
	"tailpoke/stress/stresstest"
)

`+ofREADME(t, tree)+`
func TestHasty(t *testing.T) {
	stresstest.Judge(t, hasty, stresstest.Options{Choice: stress.Choice{Sites: 1}})
}
`)
	cmd := exec.CommandContext(t.Context(), tool, "test", "-count=1", "-vet=off", "-v", ".")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(),
		"GOFLAGS="+os.Getenv("GOFLAGS")+" -mod=mod", "GOPROXY=off", "GOWORK=off")
	raw, err := cmd.CombinedOutput()
	out := string(raw)
	if _, ran := err.(*exec.ExitError); !ran {
		t.Fatalf("it should fail: %v\n%s", err, out)
	}
	for _, want := range []string{
		"--- PASS: TestPatching", "model    proved", "machine  safe",
		"--- FAIL: TestHasty", "violates never-a", "again    go test -run '^TestHasty$'",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	const kept = `testdata/stress/TestHasty/never-a-[0-9a-f]{8}\.`
	for _, ext := range []string{"txt", "json"} {
		name := regexp.MustCompile(kept + ext).FindString(out)
		if name == "" {
			t.Fatalf("no %s file is named in\n%s", ext, out)
		}
		if text := read(t, filepath.Join(folder, name)); !strings.Contains(text, "hasty") {
			t.Errorf("%s has\n%s", name, text)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ofREADME is the test that the README shows.
func ofREADME(t *testing.T, tree string) string {
	t.Helper()
	readme := read(t, filepath.Join(tree, "README.md"))
	block := regexp.MustCompile(`(?m)^    func Test.*\n(    .*\n)*`).FindString(readme)
	if lines := strings.Count(block, "\n"); lines != 3 {
		t.Fatalf("the README's test has %d lines:\n%s", lines, block)
	}
	return regexp.MustCompile(`(?m)^    `).ReplaceAllString(block, "")
}
