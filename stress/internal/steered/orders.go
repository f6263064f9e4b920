package steered

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"tailpoke/stress/internal/steered/inside"
)

// order says a line while all threads are free or parked, or wait in the kernel, and returns what the
// answer has after the order's word.
func (m *machine) order(ctx context.Context, line string) (string, error) {
	if err := m.vm.Say(line); err != nil {
		return "", err
	}
	word, _, _ := strings.Cut(line, " ")
	for {
		e, err := m.next(ctx)
		if err != nil {
			return "", err
		}
		if e.line == "" {
			return "", fmt.Errorf("CPU %d stopped at %#x, which is no place of ours", e.stop.Thread-1, e.pc)
		}
		if got, rest, _ := strings.Cut(e.line, " "); got == word {
			return rest, m.halt(ctx)
		}
	}
}

// hear notes what threads of the guest say of themselves.
func (m *machine) hear(line string) {
	f := strings.Fields(line)
	if len(f) == 0 {
		return
	}
	switch f[0] {
	case "put", "delete":
		m.mutator.done, m.mutator.failed = true, strings.Join(f[1:], " ")
	case "load":
		m.loader.done, m.loader.failed = true, strings.Join(f[1:], " ")
	case "rest":
		if len(f) == 2 {
			m.rested, _ = strconv.Atoi(f[1])
		}
	case "run":
		if len(f) != 3 {
			return
		}
		if i, err := strconv.Atoi(f[1]); err == nil && i >= 0 && i < len(m.readers) {
			m.readers[i].value, m.readers[i].ended = f[2], true
		}
	}
}

// set makes the key hold a program, or none, while nobody looks.
func (m *machine) set(ctx context.Context, c *inside.Caller, prog int) error {
	u := &m.mutator
	u.done, u.failed = false, ""
	if err := m.vm.Say(orderOf(c, prog)); err != nil {
		return err
	}
	for !u.done {
		if _, err := m.next(ctx); err != nil {
			return err
		}
	}
	if u.failed != "" && prog != none { // an empty key has nothing to remove
		return fmt.Errorf("the guest: %s: %s", orderOf(c, prog), u.failed)
	}
	return m.halt(ctx)
}
