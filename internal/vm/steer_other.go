//go:build !linux

package vm

import (
	"context"
	"errors"
	"time"

	"tailpoke/internal/vm/gdb"
	"tailpoke/stress/report"
)

// A Steered is a machine that is steered: of Linux alone.
type Steered struct {
	CPUs  *gdb.Client
	Lines <-chan string
	Took  time.Duration
}

// Steer answers [errors.ErrUnsupported].
func Steer(context.Context, Options) (*Steered, error) { return nil, errors.ErrUnsupported }

// Again answers [errors.ErrUnsupported].
func (*Steered) Again(context.Context) (*Steered, error) { return nil, errors.ErrUnsupported }

// Say answers [errors.ErrUnsupported].
func (*Steered) Say(string) error { return errors.ErrUnsupported }

// Spent says nothing.
func (*Steered) Spent() float64 { return 0 }

// Guest says nothing.
func (*Steered) Guest() *report.Guest { return nil }

// Fault says nothing.
func (*Steered) Fault() *Fault { return nil }

// LastWords says nothing.
func (*Steered) LastWords(time.Duration) *Fault { return nil }

// Close does nothing.
func (*Steered) Close() error { return nil }
