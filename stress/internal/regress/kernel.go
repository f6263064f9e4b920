package regress

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"

	"tailpoke/jit"
	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/report"
)

// NewKernel makes the column of the running kernel, which is expected to give what kernels of its era
// do. The error wraps [ErrCannotRun], with the reason, if it cannot be asked.
func NewKernel() (Column, error) {
	k := Column{Name: "kernel", Era: kernelEra()}
	if raw, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		version, _, _ := strings.Cut(strings.TrimSpace(string(raw)), "-")
		k.Name += " " + version
	}
	unbounded := ""
	k.Open = func(c *Case) (Session, error) { return openKernel(c, unbounded) }
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
		case k.Era == V510:
			unbounded = fmt.Sprintf("in kernels of era %s functions do not share one count, and the case does not end", k.Era)
		}
	}
	return k, nil
}

// kernelEra is the era of the running kernel, by the code that it makes of a few small programs.
// Where that cannot be read, today's.
func kernelEra() Era {
	k, err := identity.DetectCompiler()
	if err != nil {
		return V612
	}
	return eraOf(&k.Layout)
}

// eraOf is the era of the kernels that emit such a layout. Since one commit, 116e04ba1459, all
// functions share one count and a miss is free.
func eraOf(l *jit.Layout) Era {
	if l.Counter.Calls == jit.CounterByValue {
		return V510
	}
	return V612
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
