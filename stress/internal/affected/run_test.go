package affected

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// needKernel skips where the running kernel cannot be asked.
func needKernel(t *testing.T) {
	t.Helper()
	if err := kernel.Supported(); err != nil {
		t.Skip(err)
	}
}

// TestKernel asks the running kernel for all that cannot end it. What every kernel since 5.10 was
// released without is told from the rest by nothing but the experiment.
func TestKernel(t *testing.T) {
	needKernel(t)
	var begun []string
	r, err := Run(t.Context(), nil, Options{Race: time.Second, Begins: func(row report.AffectedFault, before *report.Affected) {
		if begun = append(begun, row.Name); len(before.Faults) != len(begun)-1 {
			t.Errorf("%d rows before %s", len(before.Faults), row.Name)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Faults) != len(Faults()) {
		t.Errorf("%d rows of %d", len(r.Faults), len(Faults()))
	}
	gone := []string{"key-64", "key-tracking", "stack-256", "int-return"}
	for i, f := range Faults() {
		row := &r.Faults[i]
		t.Logf("%s: %s: %s", row.Name, row.Answer, row.Seen)
		if slices.Contains(gone, f.Name) && row.Answer != report.HasNot {
			t.Errorf("%s: %s", row.Name, row.Answer)
		}
		if f.Endangers && (row.Answer != report.CannotTell || !strings.Contains(row.Seen, "--dangerous")) {
			t.Errorf("%s: %s: %s", row.Name, row.Answer, row.Seen)
		}
		if f.Endangers == slices.Contains(begun, f.Name) {
			t.Errorf("%s: endangers %v, and begun were %v", f.Name, f.Endangers, begun)
		}
	}
}

// TestControls: the controls tell what is right from what is wrong, which no row of a sound kernel
// shows. The loop stops itself where the limit does not.
func TestControls(t *testing.T) {
	needKernel(t)
	b := &bench{}
	f := b.within(time.Minute, func(b *bench) finding {
		rounds := b.counter()
		if n := b.tailsOf(b.loop(rounds), rounds); n != limit {
			t.Errorf("the loop took %d tail calls", n)
		}
		if v := b.deepCaller(128); v != nil {
			t.Errorf("a caller with little stack: %v", v)
		}
		if v := b.afterMisses(0); v != hit {
			t.Errorf("after no miss: %d", v)
		}
		if _, tails := b.caseOf("bpf2bpf_2"); tails != limit {
			t.Errorf("a chain by way of a function: %d tail calls", tails)
		}
		b.caseOf("nonsense")
		return finding{}
	})
	if !strings.Contains(f.seen, `no case is called "nonsense"`) {
		t.Errorf("%+v", f)
	}
}

// TestCallers: the callers of the race are what a kernel takes. The race itself is for guests.
func TestCallers(t *testing.T) {
	needKernel(t)
	b := &bench{}
	defer b.close()
	array := b.array(1)
	done := make(chan struct{})
	close(done)
	r := &race{}
	if err := r.load(array, &bench{race: time.Hour, done: done}); err != nil || r.loads > 0 {
		t.Errorf("a race that was over: %d loads, %v", r.loads, err)
	}
	for _, spec := range callers(array) {
		if _, err := b.program(spec); err != nil {
			t.Errorf("%s: %v", spec.Name, err)
		}
	}
}

// TestRunEnds: a context that has ended ends the asking, and a name that there is not is told apart.
func TestRunEnds(t *testing.T) {
	if r, err := Run(t.Context(), []string{"nonsense"}, Options{}); r != nil || err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v, %v", r, err)
	}
	needKernel(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := Run(ctx, nil, Options{}); r == nil || len(r.Faults) > 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", r, err)
	}
}
