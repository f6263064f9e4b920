package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// A monitor asks QEMU about the machine itself: the QEMU Machine Protocol, one object a line.
type monitor struct {
	to  *os.File
	out *json.Decoder
}

// monitorTime bounds an answer.
const monitorTime = 30 * time.Second

func newMonitor(to *os.File) (*monitor, error) {
	m := &monitor{to, json.NewDecoder(bufio.NewReader(to))}
	return m, m.ask("qmp_capabilities", nil, nil)
}

// ask carries a command out, and reads what it returns into to.
func (m *monitor) ask(command string, arguments map[string]any, to any) error {
	if err := m.to.SetDeadline(time.Now().Add(monitorTime)); err != nil {
		return err
	}
	ask := map[string]any{"execute": command}
	if arguments != nil {
		ask["arguments"] = arguments
	}
	if err := json.NewEncoder(m.to).Encode(ask); err != nil {
		return fmt.Errorf("QEMU's monitor: %s: %w", command, err)
	}
	for {
		var answer struct {
			Return json.RawMessage `json:"return"`
			Error  *struct {
				Desc string `json:"desc"`
			} `json:"error"`
		}
		if err := m.out.Decode(&answer); err != nil {
			return fmt.Errorf("QEMU's monitor: %s: %w", command, err)
		}
		switch {
		case answer.Error != nil:
			return fmt.Errorf("QEMU's monitor: %s: %s", command, plain(answer.Error.Desc))
		case answer.Return == nil: // the greeting, or an event
		case to == nil:
			return nil
		default:
			return json.Unmarshal(answer.Return, to)
		}
	}
}

// until asks for a status again and again, until it is one of those that are wanted.
func (m *monitor) until(ctx context.Context, command string, end func(status string) (bool, error)) error {
	for {
		var s struct {
			Status string `json:"status"`
			Desc   string `json:"error-desc"`
		}
		if err := m.ask(command, nil, &s); err != nil {
			return err
		}
		if done, err := end(s.Status); done || err != nil {
			if err != nil && s.Desc != "" {
				err = fmt.Errorf("%w: %s", err, plain(s.Desc))
			}
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// save has QEMU write the state of a machine that stands.
func (m *monitor) save(ctx context.Context, to *os.File) error {
	if err := m.ask("migrate-set-parameters", map[string]any{"max-bandwidth": int64(1) << 40}, nil); err != nil {
		return err
	}
	if err := m.ask("migrate", map[string]any{"uri": "exec:cat >" + pathOf(to)}, nil); err != nil {
		return err
	}
	return m.until(ctx, "query-migrate", func(status string) (bool, error) {
		if status == "failed" || status == "cancelled" {
			return false, fmt.Errorf("QEMU did not save the machine")
		}
		return status == "completed", nil
	})
}

// loaded waits until a machine has the state that it begins with.
func (m *monitor) loaded(ctx context.Context) error {
	return m.until(ctx, "query-status", func(status string) (bool, error) {
		return status != "inmigrate", nil
	})
}
