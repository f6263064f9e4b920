package main

import (
	"errors"
	"io/fs"
	"testing"

	"tailpoke/internal/state"
	"tailpoke/stress/report"
)

// TestFindingsByName: a finding is called by its key, by the beginning of that, or by its file, which is
// not there.
func TestFindingsByName(t *testing.T) {
	s := &state.Sum{Findings: []report.Finding{
		{Key: "1f2e3d4c5b6a7988", Bundle: "never-a-1f2e3d4c.zip"}, {Key: "2f2e3d4c5b6a7988", Bundle: "never-a-2f2e3d4c.zip"},
	}}
	for name, want := range map[string]string{
		"3f": "3f: neither a folder nor a finding of st; there are: never-a-1f2e3d4c.zip never-a-2f2e3d4c.zip",
		"":   `st: "" may be any of: never-a-1f2e3d4c.zip never-a-2f2e3d4c.zip`,
	} {
		if _, err := shown("st", name, s); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for name, known := range map[string]bool{
		"1f2e3d4c": true, "never-a-1f2e3d4c.zip": true, "never-a-1f2e3d4c": true, "st/bundles/never-a-1f2e3d4c.zip": true,
		"never-a": false, "3f": false,
	} {
		if _, err := shown(t.TempDir(), name, s); err == nil || errors.Is(err, fs.ErrNotExist) != known {
			t.Errorf("%s: %v", name, err)
		}
	}
}
