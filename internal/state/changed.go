package state

import (
	"os"
	"path/filepath"
	"time"
)

// Changed says when a folder's journal last changed, and how long it is: cheap, for those who read it
// again and again.
func Changed(dir string) (at time.Time, size int64, err error) {
	info, err := os.Stat(filepath.Join(dir, journalName))
	if err != nil {
		return time.Time{}, 0, err
	}
	return info.ModTime(), info.Size(), nil
}
