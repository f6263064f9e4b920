//go:build !linux

package kernel

import (
	"errors"
	"io"

	"github.com/cilium/ebpf"
)

var errNoEvents = errors.New("events are those of Linux")

func probedEvent(bool) (*event, error) { return nil, errNoEvents }

func faultEvent() (*event, error) { return nil, errNoEvents }

func moveNothing() error { return errNoEvents }

type tracepoints struct{}

func newTracepoints() (*tracepoints, error) { return nil, errNoEvents }

func (*tracepoints) attach(*ebpf.Program) (io.Closer, error) { return nil, errNoEvents }
func (*tracepoints) call()                                   {}
