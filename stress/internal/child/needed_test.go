package child_test

import (
	"strings"
	"testing"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/stress"
)

// TestChildIsNeeded: a poke method that tears instructions is not run in this process, which
// cannot have children.
func TestChildIsNeeded(t *testing.T) {
	if err := exec.Supported(); err != nil {
		t.Skipf("no cpu engine: %v", err)
	}
	s, w, err := stress.Choice{Sites: 1}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if s.Method, err = protocol.ParseMethod("method torn\n bytes"); err != nil {
		t.Fatal(err)
	}
	r, err := stress.Run(t.Context(), s, w, stress.Options{Engines: []protocol.Engine{protocol.CPU}, Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if v := r.Of(protocol.CPU); v.Verdict != protocol.Skipped || !strings.Contains(v.Reason, "stress.Child") {
		t.Errorf("%s: %s", v.Verdict, v.Reason)
	}
}
