package stresstest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
)

const (
	kernelText = `protocol own
  install  publish; each { target=jump; bypass=nop }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump; wait if changed; target=nop }; retire
`
	// The bypass is opened before the target jumps.
	hastyText = `protocol hasty
  install  publish; each { bypass=nop; target=jump }
  update   publish; each { target=jump }; retire
  remove   publish; each { bypass=jump; wait if changed; target=nop }; retire
`
)

// small is a subject that is judged in no time.
var small = Options{Choice: stress.Choice{Sites: 1, Threads: 1}}

// A recorder takes the place of a test, and writes down what is said to it.
type recorder struct {
	testing.TB
	said            strings.Builder
	failed, skipped bool
}

func (r *recorder) Helper()                   {}
func (r *recorder) Name() string              { return "TestOwn/a case" }
func (r *recorder) Log(a ...any)              { fmt.Fprintln(&r.said, a...) }
func (r *recorder) Errorf(f string, a ...any) { r.failed = true; r.Log(fmt.Sprintf(f, a...)) }
func (r *recorder) Fatalf(f string, a ...any) { r.Errorf(f, a...); runtime.Goexit() }
func (r *recorder) Skip(a ...any)             { r.skipped = true; r.Log(a...); runtime.Goexit() }

// judged is what a test says that judges a text.
func judged(t *testing.T, text string, o Options) *recorder {
	t.Helper()
	r, done := &recorder{TB: t}, make(chan bool)
	go func() {
		defer close(done)
		Judge(r, text, o)
	}()
	<-done
	return r
}

// want fails unless each of the parts was said.
func (r *recorder) want(t *testing.T, failed bool, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(r.said.String(), p) {
			t.Errorf("%q is not in\n%s", p, r.said.String())
		}
	}
	if r.failed != failed || r.skipped {
		t.Errorf("failed %v, want %v; skipped %v", r.failed, failed, r.skipped)
	}
}

// TestKept: what fails is shown and kept, and the next run begins with it. A protocol that was
// mended passes, with the kept calls before everything else.
func TestKept(t *testing.T) {
	t.Chdir(t.TempDir())
	judged(t, kernelText, small).want(t, false, "proved", "holds")
	if _, err := os.Stat("testdata"); !os.IsNotExist(err) {
		t.Fatalf("something is kept of a protocol that holds: %v", err)
	}
	first := judged(t, hastyText, small)
	kept, err := filepath.Glob("testdata/stress/TestOwn_a_case/never-a-*.txt")
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept: %v %v", kept, err)
	}
	name := strings.TrimSuffix(kept[0], ".txt")
	first.want(t, true, "violates never-a",
		"stress replay "+name+".json\n", "begins with "+name+".txt\n",
		"again    go test -run '^TestOwn$/^a case$'")
	calls, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	subject, _, err := stress.Choice{}.With(string(calls))
	if err != nil || !strings.HasPrefix(subject.Protocol, "protocol hasty\n") || subject.Sites != 1 {
		t.Errorf("kept for %+v, %v", subject, err)
	}
	for _, part := range []string{"# never-a, found by", "#     protocol hasty\n", "\n#\nput 0 "} {
		if !strings.Contains(string(calls), part) {
			t.Errorf("kept, without %q:\n%s", part, calls)
		}
	}
	if d, err := stress.Replay(t.Context(), name+".json"); err != nil || d.Verdict != "violated" {
		t.Errorf("replay: %v %v", d, err)
	}
	again := judged(t, hastyText, small)
	again.want(t, true, name+".txt: these calls fail again; nothing else was tried")
	if !regexp.MustCompile(`machine\w* +\w*violated`).MatchString(again.said.String()) {
		t.Errorf("no row of the machine engine\n%s", again.said.String())
	}
	if strings.Contains(again.said.String(), "model") {
		t.Errorf("the model was asked again\n%s", again.said.String())
	}
	judged(t, kernelText, small).want(t, false, "holds")
}

// TestModelAlone: a witness of the model is kept as well. The model is not asked about calls.
func TestModelAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	o := small
	o.Engines = []stress.Engine{protocol.Model}
	for range 2 {
		judged(t, hastyText, o).want(t, true, "violates never-a", "stress replay testdata")
	}
	kept, err := filepath.Glob("testdata/stress/*/never-a-*.txt")
	if err != nil || len(kept) != 1 {
		t.Errorf("kept: %v %v", kept, err)
	}
}

// TestBad: input that cannot be judged ends the test, with its place.
func TestBad(t *testing.T) {
	t.Chdir(t.TempDir())
	twice, file := small, small
	twice.Choice.Protocol, file.Choice.Protocol = "kernel", "none.txt"
	const call = "protocol own\n  install  publish; each { target=call }"
	judged(t, call, small).want(t, true, "stresstest: protocol:2:35: expected nop or jump")
	judged(t, "", small).want(t, true, `expected "protocol"`)
	judged(t, kernelText, twice).want(t, true, "two protocols: a text, and kernel")
	judged(t, "", file).want(t, true, "none.txt")
	file.Choice.Protocol = "kernel"
	judged(t, "", file).want(t, false, "protocol kernel", "holds")

	kept := "testdata/stress/TestOwn_a_case"
	if err := os.MkdirAll(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"put 0\n": "own.txt:2:1: expected a program", "put 0 7\n": "own.txt does not fit the subject",
	} {
		if err := os.WriteFile(kept+"/own.txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		judged(t, kernelText, small).want(t, true, want)
	}
}

// TestNoAnswer: a subject that nobody can answer for fails.
func TestNoAnswer(t *testing.T) {
	t.Chdir(t.TempDir())
	o := small
	o.Choice.Programs, o.Engines = 1, []stress.Engine{protocol.Model}
	judged(t, kernelText, o).want(t, true, "vacuous", "no updates were explored")
	o.Engines = []stress.Engine{"modle"}
	judged(t, kernelText, o).want(t, true, `there is no engine "modle"; known: [model machine`)
	o.Engines = []stress.Engine{}
	judged(t, kernelText, o).want(t, true, "Options.Engines is an empty list")
	o.Engines = []stress.Engine{protocol.Model, protocol.Steered}
	judged(t, kernelText, o).want(t, true, "the engine steered needs a kernel of its own")
}

// TestNoChild: an engine that was asked and cannot run as TestMain lacks a call fails the test. There is
// no TestMain here.
func TestNoChild(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("torn.txt", []byte("method torn\n bytes"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := small
	o.Choice.Method, o.Engines = "torn.txt", []stress.Engine{protocol.CPU}
	if err := stress.Missing(protocol.CPU); err != nil {
		t.Skip(err)
	}
	judged(t, kernelText, o).want(t, true, "call stress.Child first in main, or first in TestMain")
}

// TestMissing: an engine that is missing is named. Without any other the test is skipped.
func TestMissing(t *testing.T) {
	missing := func(e stress.Engine) error {
		if e == protocol.Kernel {
			return errors.New("needs CAP_BPF")
		}
		return nil
	}
	const text = "stresstest: kernel not asked: needs CAP_BPF\n"
	for _, c := range []struct {
		asked   []stress.Engine
		left    int
		said    string
		skipped bool
	}{
		{[]stress.Engine{protocol.Model}, 1, "", false},
		{[]stress.Engine{protocol.Model, protocol.Kernel}, 1, text, false},
		{[]stress.Engine{protocol.Kernel}, 0, text, true},
	} {
		r, done, left := &recorder{TB: t}, make(chan bool), 0
		go func() {
			defer close(done)
			left = len(present(r, c.asked, missing))
		}()
		<-done
		if left != c.left || r.said.String() != c.said || r.skipped != c.skipped {
			t.Errorf("%v: %d left, skipped %v, said %q", c.asked, left, r.skipped, r.said.String())
		}
	}
}
