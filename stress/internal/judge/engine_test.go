package judge

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/workload"
)

// TestEngines: each has a name of its own and says what it is.
func TestEngines(t *testing.T) {
	for i, e := range Engines() {
		if e.About() == "" || ByName(e.Name()) != Engines()[i] {
			t.Errorf("%s: %q", e.Name(), e.About())
		}
	}
	if ByName("abacus") != nil {
		t.Error("there is an engine called abacus")
	}
}

// TestPreparedOnce: whatever is asked of the engines that run our images, in whatever order, the
// images of a layout are compiled once, and what may be returned is computed once for each
// context: a simulated machine has no packet.
func TestPreparedOnce(t *testing.T) {
	w := workload.Default()
	j := jobOf(t, w, Options{Duration: 50 * time.Millisecond, MaxStates: 2000})
	for range 2 {
		for _, e := range []Engine{machineEngine{}, cpuEngine{}, machineEngine{}} {
			if err := e.Validate(j); err != nil {
				t.Fatal(err)
			}
			asked(t, e, j)
		}
		if _, err := w.Disassemble(j.Subject.Layout); err != nil {
			t.Fatal(err)
		}
	}
	oracles, images := w.Computed()
	if want := 1 + len(w.Programs); images != want {
		t.Errorf("%d images compiled, want %d", images, want)
	}
	if oracles != 2 {
		t.Errorf("%d oracles computed, want 2", oracles)
	}
}

// lacking is an engine for which the process may have no more files.
type lacking struct{ cpuEngine }

func (lacking) Judge(context.Context, *Job) (Answer, error) {
	return Answer{}, fmt.Errorf("a map: %w", syscall.EMFILE)
}

// TestLackingIsNoAnswer: an engine that the process has no files for is skipped. In a round's process it
// gives no answer, so that another round begins.
func TestLackingIsNoAnswer(t *testing.T) {
	j := jobOf(t, workload.Default(), Options{})
	if a, err := Ask(t.Context(), lacking{}, j); err != nil || a.Verdict.Verdict != protocol.Skipped {
		t.Errorf("%+v, %v", a.Verdict, err)
	}
	j.Alone = true
	if a, err := Ask(t.Context(), lacking{}, j); !errors.Is(err, syscall.EMFILE) || a.Verdict.Verdict != "" {
		t.Errorf("alone: %+v, %v", a.Verdict, err)
	}
}

// TestOwnKernel: a subject is the kernel's by what it does, not by what it is called.
func TestOwnKernel(t *testing.T) {
	own := func() protocol.Subject {
		s := protocol.DefaultSubject()
		s.Protocol.Name, s.Method.Name = "mine", "mine too"
		return s
	}
	for want, change := range map[string]func(*protocol.Subject){
		"":                                      func(*protocol.Subject) {},
		"a kernel has a protocol of its own":    func(s *protocol.Subject) { s.Protocol.Ops[protocol.Update] = nil },
		"a kernel has a poke method of its own": func(s *protocol.Subject) { s.Method.Steps = s.Method.Steps[1:] },
		"a kernel has a grace flavour of its own": func(s *protocol.Subject) { s.Grace = protocol.Graces()[1] },
	} {
		s := own()
		if change(&s); notTheKernels(s) != want {
			t.Errorf("%q, want %q", notTheKernels(s), want)
		}
	}
	// How it loads and unloads is written out here, and is the kernel's all the same.
	p := own().Protocol
	p.Load, p.Unload = p.LoadSteps(), p.UnloadSteps()
	if other := ownWay(p); other != "" {
		t.Error(other)
	}
	if p.Load = nil; ownWay(p) != "" {
		t.Error(ownWay(p))
	}
	if p.Mutex = protocol.MutexNone; ownWay(p) == "" {
		t.Error("a protocol without a mutex is the kernel's")
	}
}
