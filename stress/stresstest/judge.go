package stresstest

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

// Options says what is judged beside the protocol, and by whom. The zero value is the default
// subject of the command stress, judged by model and machine.
type Options struct {
	// Choice is what else the subject is made of: a poke method, a grace-period flavour, a layout,
	// the number of threads, sites and programs, or a program of one's own. Its protocol is for
	// tests that give no text: the name of a built-in one, or a file.
	Choice stress.Choice
	// Engines are asked one after the other; nil: model and machine. A test cannot ask steered.
	Engines []stress.Engine
	// Duration is how long the engines cpu and kernel run; 0: [stress.DefaultDuration].
	Duration time.Duration
	// Seed is that of their random choices.
	Seed uint64
}

// Judge judges a protocol, and fails the test unless it holds as far as the engines can say. A
// text that is no protocol ends the test; the error names line and column.
func Judge(t testing.TB, text string, o Options) {
	t.Helper()
	s, w, err := o.subject(text)
	if err != nil {
		t.Fatalf("stresstest: %v", err)
	}
	if o.Engines == nil {
		o.Engines = []stress.Engine{protocol.Model, protocol.Machine}
	}
	if len(o.Engines) == 0 {
		t.Fatalf("stresstest: Options.Engines is an empty list, and nobody is asked; nil means model and machine")
	}
	for _, e := range o.Engines {
		switch {
		case !slices.Contains(stress.Engines(), e):
			t.Fatalf("stresstest: there is no engine %q; known: %v", e, stress.Engines())
		case e == protocol.Steered:
			t.Fatalf("stresstest: the engine steered needs a kernel of its own, which a test has not: " +
				"stress vm --kernel FILE -- run --engine steered")
		}
	}
	o.Engines = present(t, o.Engines, stress.Missing)
	j := judging{t, o, s, w}
	if j.again() {
		j.whole()
	}
}

// subject makes the subject of a text and of the options, and what threads execute.
func (o Options) subject(text string) (protocol.Subject, *stress.Workload, error) {
	s, w, err := o.Choice.Resolve()
	switch {
	case err != nil || text == "" && o.Choice.Protocol != "":
		return s, w, err
	case o.Choice.Protocol != "":
		return s, w, fmt.Errorf("two protocols: a text, and %s", o.Choice.Protocol)
	}
	if s.Protocol, err = protocol.ParseProtocol(text); err != nil {
		err = fmt.Errorf("protocol:%w", err)
	}
	return s, w, err
}

// present leaves out the engines that this machine lacks something for, aloud. It skips the test
// if none is left.
func present(
	t testing.TB, asked []stress.Engine, missing func(stress.Engine) error,
) []stress.Engine {
	t.Helper()
	var why []string
	left := slices.DeleteFunc(slices.Clone(asked), func(e stress.Engine) bool {
		err := missing(e)
		if err != nil {
			why = append(why, fmt.Sprintf("%s not asked: %v", e, err))
		}
		return err != nil
	})
	switch text := "stresstest: " + strings.Join(why, "; "); {
	case why == nil:
	case len(left) == 0:
		t.Skip(text)
	default:
		t.Log(text)
	}
	return left
}

// judging is what one call of [Judge] is about.
type judging struct {
	testing.TB
	Options
	subject  protocol.Subject
	workload *stress.Workload
}

// whole asks all engines about everything, and keeps what fails.
func (j *judging) whole() {
	j.Helper()
	var file bytes.Buffer
	d := j.run(stress.Options{
		Engines: j.Engines, Duration: j.duration(), Patience: 2 * j.duration(), Witness: &file,
	})
	switch d.Verdict {
	case report.Holds:
		j.Log(text(d))
	case report.Violated, report.Disagree:
		kept, err := j.keep(d, file.Bytes())
		if err != nil {
			j.Errorf("stresstest: nothing is kept: %v", err)
		}
		j.Errorf("%s%sagain    go test -run '%s'", text(d), kept, pattern(j.Name()))
	default:
		j.Errorf("%s", text(d))
	}
}

func (j *judging) duration() time.Duration {
	if j.Duration == 0 {
		return stress.DefaultDuration
	}
	return j.Duration
}

// run asks engines. An error is one of the options, or of the harness.
func (j *judging) run(o stress.Options) *report.Document {
	j.Helper()
	o.Seed = j.Seed
	d, err := stress.Run(j.Context(), j.subject, j.workload, o)
	if d == nil {
		j.Fatalf("stresstest: %v", err)
	}
	if err != nil { // behind a violation, which is told
		j.Errorf("stresstest: %v", err)
	}
	return d
}

// text is a document as people read it, on lines of its own.
func text(d *report.Document) string {
	var b strings.Builder
	b.WriteByte('\n')
	if err := render.Formats()[0].Write(&b, d, render.Page{}); err != nil {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

// pattern is what -run of go test wants to run one test alone.
func pattern(test string) string {
	parts := strings.Split(test, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}
