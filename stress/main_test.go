package stress

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// slowUnderRace skips a test under the race detector, aloud.
func slowUnderRace(t *testing.T) {
	t.Helper()
	if raceBuild {
		t.Skip("many times slower under the race detector: scripts/test runs it without")
	}
}

func TestMain(m *testing.M) {
	Child()
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}
