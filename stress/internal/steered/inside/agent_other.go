//go:build !linux

package inside

import (
	"errors"
	"io"
)

// Main does nothing: guests are Linux.
func Main(io.Reader, io.Writer) error { return errors.ErrUnsupported }
