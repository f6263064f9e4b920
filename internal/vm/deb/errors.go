package deb

import (
	"errors"
	"fmt"
)

// What an error can be of; all others are the network's, the disk's, or the context's.
var (
	// ErrUnknown: the name is none, or no suite has such a kernel.
	ErrUnknown = errors.New("unknown kernel")
	// ErrMissing: this machine lacks what fetches packages.
	ErrMissing = errors.New("apt is missing")
)

// of is an error with a text of its own.
type of struct {
	kind error
	text string
}

func (e *of) Error() string { return e.text }
func (e *of) Unwrap() error { return e.kind }

func errorOf(kind error, format string, args ...any) error {
	return &of{kind, fmt.Sprintf(format, args...)}
}
