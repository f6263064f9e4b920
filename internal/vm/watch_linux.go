package vm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tailpoke/internal/vm/guest"
)

// operations is what a guest's verb says of what is in progress.
type operations struct {
	mu    sync.Mutex
	now   string
	begun int
}

// Write takes letters of [guest.Beacon].
func (o *operations) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, letter := range b {
		if o.now = guest.During(letter); o.now != "" {
			o.begun++
		}
	}
	return len(b), nil
}

func (o *operations) last() (during string, begun int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now, o.begun
}

// A frame is one message of the guest. Its error says that no more come.
type frame struct {
	kind guest.Kind
	data []byte
	err  error
}

// watch follows the guest to its end.
func (m *machine) watch(ctx context.Context) (*Result, error) {
	w := &watching{machine: m, res: &Result{Guest: m.guest}, start: time.Now(), heard: time.Now(), frames: make(chan frame), done: make(chan struct{})}
	w.copies.Go(func() { _, _ = io.Copy(m.screen, m.console) })
	w.copies.Go(func() { _, _ = io.Copy(&m.ops, m.beacon) })
	w.copies.Go(w.read)
	defer w.end()
	return w.follow(ctx)
}

// watching is one guest's course.
type watching struct {
	*machine
	res    *Result
	start  time.Time
	booted bool
	heard  time.Time // when the guest last said something
	spent  float64   // by QEMU until then, in seconds
	exited bool      // the verb
	bytes  atomic.Uint64
	seen   uint64 // of these, at the last look
	had    []ran  // the last minute of looks

	frames chan frame
	done   chan struct{} // nobody takes frames any more
	over   sync.Once
	copies sync.WaitGroup
}

// end ends QEMU, so that all that it said is there.
func (w *watching) end() {
	w.over.Do(func() {
		close(w.done)
		w.kill()
		w.copies.Wait()
	})
}

// beating notes that bytes come: a large frame takes a while.
type beating struct{ w *watching }

func (b beating) Read(p []byte) (int, error) {
	n, err := b.w.link.Read(p)
	b.w.bytes.Add(uint64(n))
	return n, err
}

// read reads frames until the guest's end.
func (w *watching) read() {
	for {
		kind, data, err := guest.ReadFrame(beating{w})
		select {
		case w.frames <- frame{kind, data, err}:
		case <-w.done:
			return
		}
		if err != nil {
			return
		}
	}
}

func (w *watching) follow(ctx context.Context) (*Result, error) {
	over := time.NewTimer(w.o.Timeout)
	defer over.Stop()
	look := time.NewTicker(time.Second / 2)
	defer look.Stop()
	stopped := ctx.Done()
	var late <-chan time.Time
	for !w.exited {
		select {
		case f := <-w.frames:
			if f.err != nil { // QEMU has ended, or is of no use
				return w.gone("")
			}
			if err := w.take(f); err != nil {
				return nil, err
			}
		case <-look.C:
			if why := w.look(); why != "" {
				return w.gone(why)
			}
		case <-over.C:
			return nil, w.timeout()
		case <-stopped:
			stopped, late = nil, time.After(w.o.limits.grace)
			if !w.booted || w.signal(w.o.Signal()) != nil {
				return nil, context.Cause(ctx)
			}
		case <-late:
			return nil, context.Cause(ctx)
		}
	}
	w.end() // so that all that the kernel said is there: what comes after the verb counts too
	if kind, _, _, _ := w.screen.fault(); kind != "" {
		return w.gone("")
	}
	return w.res, nil
}

// take does what a frame asks for.
func (w *watching) take(f frame) error {
	// A reader of the verb's output may have let us wait: that is none of the guest's silence.
	defer func() { w.heard, w.spent = time.Now(), w.processor() }()
	switch f.kind {
	case guest.Ready:
		w.booted = true
		w.res.Guest.Release, w.res.Boot = plain(string(f.data)), time.Since(w.start)
	case guest.Out:
		_, err := w.o.Stdout.Write(f.data)
		return err
	case guest.Err:
		_, err := w.o.Stderr.Write(f.data)
		return err
	case guest.Wrote:
		var file guest.File
		if err := json.Unmarshal(f.data, &file); err != nil {
			return err
		}
		if !slices.Contains(w.files, file.Name) { // a guest is not to be trusted
			return fmt.Errorf("the guest wrote %q, which the verb does not name", file.Name)
		}
		return w.o.Write(file)
	case guest.Exit:
		code, err := strconv.Atoi(string(f.data))
		if err != nil {
			return fmt.Errorf("the guest's exit code: %w", err)
		}
		w.exited, w.res.Code = true, code
	case guest.Fault:
		return fmt.Errorf("the guest's first process: %s", plain(string(f.data)))
	}
	return nil
}

// ran is how much processor time QEMU had until then, in seconds.
type ran struct {
	at    time.Time
	spent float64
}

// stallTime is how long a guest's kernel waits before it speaks of a stall.
const stallTime = time.Minute

// starved reports whether QEMU had less than half of a processor in the time of a stall: then the
// kernel speaks of this machine, and not of itself.
func (w *watching) starved() bool {
	if len(w.had) == 0 {
		return false
	}
	first, last := w.had[0], w.had[len(w.had)-1]
	span := last.at.Sub(first.at).Seconds()
	return span >= stallTime.Seconds()/2 && last.spent-first.spent < span/2
}

// look says why the guest is given up, or "".
func (w *watching) look() string {
	now := ran{time.Now(), w.processor()}
	w.had = append(w.had, now)
	for now.at.Sub(w.had[0].at) > stallTime {
		w.had = w.had[1:]
	}
	if n := w.bytes.Load(); n != w.seen {
		w.seen, w.heard, w.spent = n, now.at, now.spent
	}
	silent, may := time.Since(w.heard), &w.o.limits
	spent := now.spent - w.spent
	switch kind, _, _, since := w.screen.fault(); {
	case kind != "" && time.Since(since) > may.lastWords:
		return "it has gone wrong"
	case !w.booted && (spent > may.boot.Seconds() || silent > may.dead):
		return fmt.Sprintf("no first process after %.0f s", silent.Seconds())
	case w.booted && (silent > may.silence && spent > may.silence.Seconds()/2 || silent > may.dead):
		return fmt.Sprintf("no sign of life for %.0f s", silent.Seconds())
	}
	return ""
}

// timeout is the error of a guest that lives and is not done.
func (w *watching) timeout() error {
	if !w.booted {
		w.end()
		return noBoot("its time was over", w.screen)
	}
	return fmt.Errorf("%w: --timeout %v", ErrTime, w.o.Timeout)
}

// gone is the result of a guest that has ended before its verb, or is given up.
func (w *watching) gone(why string) (*Result, error) {
	var failed error
	if why == "" { // it ends by itself
		select {
		case <-w.ended:
			failed = w.failed
		case <-time.After(w.o.limits.lastWords):
		}
	}
	w.end()
	kind, line, log, _ := w.screen.fault()
	said := w.refused()
	switch {
	case !w.booted && failed != nil && len(w.screen.tail()) == 0:
		return nil, fmt.Errorf("QEMU runs no such machine: %s", said)
	case !w.booted:
		return nil, noBoot(cmp.Or(why, "the machine restarted"), w.screen)
	case kind == "stall" && w.starved(): // a task that hangs needs no processor
		return nil, fmt.Errorf("%w: this machine was too busy for it, and its kernel says: %s", ErrTime, line)
	case kind != "":
	case why != "":
		kind, line, log = "hang", why, w.screen.tail()
	case failed != nil: // a guest that restarts ends it with 0, whatever it warned of
		return nil, fmt.Errorf("QEMU ended: %w: %s", failed, cmp.Or(said, "without a word"))
	default:
		kind, line, log = "reset", "the machine restarted without a word", w.screen.tail()
	}
	f := &Fault{Kind: kind, Line: line, Log: log, Seconds: time.Since(w.start.Add(w.res.Boot)).Seconds()}
	f.During, f.After = w.ops.last()
	f.Emulator = emulators(w.guest.Accel, log)
	w.res.Fault = f
	return w.res, nil
}
