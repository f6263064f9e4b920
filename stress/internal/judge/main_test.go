package judge_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"tailpoke/jit/exec"
)

// needCPU skips a test where images cannot be executed.
func needCPU(t *testing.T) {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skipf("no cpu engine: %v", err)
	}
}

// slowUnderRace skips a test under the race detector, aloud.
func slowUnderRace(t *testing.T) {
	t.Helper()
	if raceBuild {
		t.Skip("many times slower under the race detector: scripts/test runs it without")
	}
}

// TestMain does not call stress.Child: there are no children here, see TestChildIsNeeded.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}
