package workload

import (
	"fmt"
	"os"
)

// MaxObject bounds an object file, in bytes.
const MaxObject = 16 << 20

// ReadRegular reads a regular file of at most so many bytes.
func ReadRegular(path string, most int64) ([]byte, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case st.Size() > most:
		return nil, fmt.Errorf("%s: %d bytes are more than %d", path, st.Size(), most)
	}
	return os.ReadFile(path)
}
