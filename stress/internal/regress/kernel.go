package regress

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"

	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/report"
)

// NewKernel makes the column of the running kernel, which is expected to give what today's kernels
// do. The error wraps [ErrCannotRun], with the reason, if it cannot be asked.
func NewKernel() (Column, error) {
	unbounded := ""
	k := Column{"kernel", V612, func(c *Case) (Session, error) { return openKernel(c, unbounded) }}
	if raw, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		version, _, _ := strings.Cut(strings.TrimSpace(string(raw)), "-")
		k.Name += " " + version
	}
	for _, c := range hierarchyCases() {
		// It ends in every kernel with tail calls in functions, and tells how they count.
		if c.Name != "hierarchy_2" {
			continue
		}
		r := Execute(&c, k)
		switch {
		case r.Cell == report.CellCannotRun:
			return k, errors.New(r.Reason)
		case r.Cell != report.CellOK:
			unbounded = fmt.Sprintf("functions do not share one count, and the case might not end: %s %s", c.Name, r.Cell)
		}
	}
	return k, nil
}

// openKernel prepares a case. unbounded says why one that does not end in some era must not be run,
// if so: a kernel does not throw it out.
func openKernel(c *Case, unbounded string) (Session, error) {
	if unbounded != "" && c.endless(V510) {
		return nil, fmt.Errorf("%w: %s", ErrCannotRun, unbounded)
	}
	spec, err := c.Collection()
	if err != nil {
		return nil, err
	}
	in, err := kernel.OpenSession(spec)
	switch {
	case kernel.Cannot(err):
		return nil, fmt.Errorf("%w: %w", ErrCannotRun, err)
	case err != nil:
		return nil, err
	}
	return kernelSession{in}, nil
}

type kernelSession struct{ *kernel.Session }

func (s kernelSession) Delete(m string, key uint32) error { return noKey(s.Session.Delete(m, key)) }

func (s kernelSession) Run(prog string, in Input) (uint32, error) {
	return s.Session.Run(prog, in.Packet, in.Args)
}

func (s kernelSession) Element(m string, key []byte) ([]byte, error) {
	value, err := s.Session.Element(m, key)
	return value, noKey(err)
}

// noKey says it in the words of every column.
func noKey(err error) error {
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	return err
}
