package steered

import (
	"context"
	"fmt"

	"tailpoke/stress/internal/steered/inside"
)

// A loader is a thread that loads a copy of a caller. It is held where the copy's descriptors are stable
// and its text is not known yet: before bpf_prog_kallsyms_add. What it does until then concerns a copy
// that nobody executes.
type loader struct {
	thread
	done   bool
	failed string
}

// load begins the load of a copy, and parks the loader before its text is known.
func (m *machine) load(ctx context.Context, c *inside.Caller) error {
	m.moves++
	l, at := &m.loader, m.facts.Symbols["bpf_prog_kallsyms_add"]
	if at == 0 {
		return refuse("the kernel has no function bpf_prog_kallsyms_add")
	}
	l.done, l.failed = false, ""
	if err := m.vm.Say("load " + c.Name); err != nil {
		return err
	}
	for {
		e, err := m.next(ctx, at)
		switch {
		case err != nil:
			return err
		case l.done:
			return fmt.Errorf("the guest loaded a copy without being held: %s", l.failed)
		case e.line == "" && e.stop.Thread == l.id && e.pc == at:
			return m.park(&l.thread, at)
		case e.line == "":
			return fmt.Errorf("CPU %d stopped at %#x, where the loader was to be", e.stop.Thread-1, e.pc)
		}
	}
}

// known lets the loader go on to the end of its load.
func (m *machine) known(ctx context.Context) error {
	m.moves++
	l := &m.loader
	if err := m.unpark(ctx, &l.thread); err != nil {
		return err
	}
	for l.state = free; !l.done; {
		e, err := m.next(ctx)
		if err != nil {
			return err
		}
		if e.line == "" {
			return fmt.Errorf("CPU %d stopped at %#x, which is no place of ours", e.stop.Thread-1, e.pc)
		}
	}
	if l.failed != "" {
		return fmt.Errorf("the guest's load failed: %s", l.failed)
	}
	return m.halt(ctx)
}
