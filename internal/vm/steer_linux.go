package vm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tailpoke/internal/vm/gdb"
	"tailpoke/internal/vm/guest"
	"tailpoke/stress/report"
)

// LineReady begins the line by which the verb of a steered machine says that it waits for orders.
const LineReady = "ready"

// maxLine bounds a line of a guest, in bytes.
const maxLine = 64 << 10

// A Steered is a machine whose vCPUs the caller stops, moves and lets go. It speaks with the verb that
// runs in it line by line.
type Steered struct {
	*machine
	CPUs *gdb.Client
	// Lines are those that the verb says. It is closed when no more come.
	Lines <-chan string
	Took  time.Duration // until it was ready

	saved   *os.File // what it began with; nil: it was booted
	monitor *monitor
	copies  sync.WaitGroup
	done    chan struct{}
	heard   chan struct{} // all that the console says was read
	over    sync.Once
}

// Steer starts a machine with this verb, which is to be ready by itself. The first one of a kernel is
// booted and kept; later ones begin with what was kept, and stand where it was.
func Steer(ctx context.Context, o Options) (*Steered, error) {
	o = o.steerable().withDefaults()
	o.steered = true
	if _, err := Version(o.Kernel); err != nil {
		return nil, err
	}
	_, s, g, err := o.machine(ctx)
	if err != nil {
		return nil, err
	}
	name, err := o.savedName(g.Emulator, s)
	if err != nil {
		return nil, err
	}
	if o.saved, err = openSaved(name); err != nil {
		return nil, err
	}
	if o.saved == nil {
		if o.saved, err = o.boot(ctx, name); err != nil {
			return nil, err
		}
	}
	return o.begin(ctx)
}

// begin begins a machine with what was kept, which is the machine's from here on.
func (o Options) begin(ctx context.Context) (*Steered, error) {
	m, err := o.steer(ctx)
	if err != nil {
		return nil, errors.Join(err, o.saved.Close())
	}
	m.saved = o.saved
	if err := m.monitor.loaded(ctx); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	m.Took = time.Since(m.started)
	return m, nil
}

// Again ends the machine, and begins another one with what this one began with, which nobody else can
// have taken away meanwhile.
func (t *Steered) Again(ctx context.Context) (*Steered, error) {
	o := *t.o
	o.saved, t.saved = t.saved, nil
	if err := t.Close(); err != nil {
		return nil, errors.Join(err, o.saved.Close())
	}
	return o.begin(ctx)
}

// boot boots a machine, waits until its verb is ready, and keeps it in a file.
func (o Options) boot(ctx context.Context, name string) (*os.File, error) {
	m, err := o.steer(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	dir, err := savedDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	// Without a name until it is whole: of a command that is killed nothing is left.
	f, err := os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := m.monitor.save(ctx, f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	err = unix.Linkat(unix.AT_FDCWD, pathOf(f), unix.AT_FDCWD, filepath.Join(dir, name), unix.AT_SYMLINK_FOLLOW)
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = forget(dir, name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// steer starts QEMU, with all that is needed to steer it. The machine stands.
func (o Options) steer(ctx context.Context) (*Steered, error) {
	path, s, g, err := o.machine(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	m, err := start(ctx, path, s, &o, g)
	if err != nil {
		return nil, err
	}
	m.started = began
	lines := make(chan string, 64)
	t := &Steered{machine: m, Lines: lines, done: make(chan struct{}), heard: make(chan struct{})}
	t.copies.Go(func() {
		defer close(t.heard)
		_, _ = io.Copy(m.screen, m.console)
	})
	t.copies.Go(func() { _, _ = io.Copy(&m.ops, m.beacon) })
	t.copies.Go(func() { t.read(lines) })
	if t.monitor, err = newMonitor(m.monitor); err == nil {
		t.CPUs, err = gdb.New(m.gdb)
	}
	if err != nil {
		select {
		case <-m.ended: // by itself, so that it has said why
			err = fmt.Errorf("QEMU runs no such machine: %s", m.refused())
		case <-time.After(time.Second / 5):
		}
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// read hands on lines until the end.
func (t *Steered) read(to chan<- string) {
	defer close(to)
	s := bufio.NewScanner(t.link)
	s.Buffer(nil, maxLine)
	for s.Scan() {
		line := strings.TrimRight(s.Text(), "\r")
		if line == "" {
			continue
		}
		select {
		case to <- line:
		case <-t.done:
			return
		}
	}
}

// Say writes a line to the verb.
func (t *Steered) Say(line string) error {
	_, err := io.WriteString(t.link, line+"\n")
	return err
}

// ready lets the machine run until its verb waits for orders, and stops it there.
func (t *Steered) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, t.o.Timeout, ErrTime)
	defer cancel()
	if err := t.CPUs.Go(); err != nil {
		return err
	}
	look := time.NewTicker(time.Second / 2)
	defer look.Stop()
	for {
		select {
		case line, ok := <-t.Lines:
			switch {
			case !ok:
				return noBoot("the machine ended", t.screen)
			case strings.HasPrefix(line, guest.LineFault), strings.HasPrefix(line, guest.LineExit):
				return fmt.Errorf("%w: %s", ErrAgent, plain(line))
			case strings.HasPrefix(line, LineReady):
				_, err := t.CPUs.Interrupt(ctx)
				return err
			}
		case <-look.C:
			if kind, _, _, _ := t.screen.fault(); kind != "" || t.processor() > t.o.limits.boot.Seconds() {
				return noBoot("it is not ready", t.screen)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Spent is how much processor time the machine has had, in seconds.
func (t *Steered) Spent() float64 { return t.processor() }

// Guest is how the machine runs.
func (t *Steered) Guest() *report.Guest { return &t.guest }

// Fault is what the kernel did in the place of living on, or nil as long as it lives, or if QEMU has ended
// without it.
func (t *Steered) Fault() *Fault {
	kind, line, log, _ := t.screen.fault()
	if kind != "" {
		return &Fault{Kind: kind, Line: line, Log: log, Emulator: emulators(t.guest.Accel, log)}
	}
	select {
	case <-t.ended:
		if t.failed == nil { // as where a guest restarts
			return &Fault{Kind: "reset", Line: "the machine restarted without a word", Log: t.screen.tail()}
		}
	default:
	}
	return nil
}

// LastWords is the fault of a machine that goes wrong, once it has ended and all that its kernel said is
// here, or this time has passed.
func (t *Steered) LastWords(within time.Duration) *Fault {
	late := time.After(within)
	for _, c := range []chan struct{}{t.ended, t.heard} {
		select {
		case <-c:
		case <-late:
			return t.Fault()
		}
	}
	return t.Fault()
}

// Close ends the machine.
func (t *Steered) Close() error {
	t.over.Do(func() {
		close(t.done)
		t.kill()
		t.copies.Wait()
		if t.CPUs != nil {
			_ = t.CPUs.Close() // its file is closed once more below
		}
		t.machine.close()
		_ = t.saved.Close() // nil is closed already
	})
	return nil
}
