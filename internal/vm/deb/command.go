package deb

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// program is one that is executed, and what it says of its errors.
type program struct {
	*exec.Cmd
	ctx context.Context
	log bytes.Buffer
}

// command makes a program ready, with a process group of its own: apt and dpkg have children, and
// all of them end with the context. They are killed, because they have nothing to put in order.
func command(ctx context.Context, name string, args ...string) *program {
	p := &program{Cmd: exec.CommandContext(ctx, name, args...), ctx: ctx}
	p.Env = append(os.Environ(), "LC_ALL=C")
	p.Stderr = &p.log
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.Cancel = func() error { return syscall.Kill(-p.Process.Pid, syscall.SIGKILL) }
	p.WaitDelay = 5 * time.Second
	return p
}

// explain makes one line of how a program failed: the first error that it names, or else the first
// that it says at all. apt may say warnings before.
func (p *program) explain(err error) error {
	if err == nil {
		return nil
	}
	if p.ctx.Err() != nil {
		return fmt.Errorf("deb: %w", p.ctx.Err())
	}
	first := ""
	for line := range strings.Lines(p.log.String()) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "E: "); ok {
			first = text
			break
		}
		if first == "" {
			first = line
		}
	}
	name := filepath.Base(p.Path)
	if first == "" {
		return fmt.Errorf("deb: %s: %w", name, err)
	}
	return fmt.Errorf("deb: %s: %s", name, first)
}
