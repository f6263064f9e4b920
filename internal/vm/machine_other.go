//go:build !linux

package vm

import (
	"context"
	"errors"

	"tailpoke/stress/report"
)

func hasKVM() bool { return false }

type machine struct{}

func start(context.Context, string, settings, *Options, report.Guest) (*machine, error) {
	return nil, errors.ErrUnsupported
}

func (*machine) stop() {}

func (*machine) watch(context.Context) (*Result, error) { return nil, errors.ErrUnsupported }
