//go:build linux && amd64

package text

import (
	"testing"

	"go.uber.org/goleak"

	"tailpoke/jit/exec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newArena skips where images cannot be executed.
func newArena(t testing.TB, size int) *exec.Arena {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	a, err := exec.NewArena(size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}
