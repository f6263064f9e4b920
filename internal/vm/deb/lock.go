package deb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// open makes the cache ready for one that fetches, and waits until no other one does, in this
// process or another. The kernel takes the lock from a process that ends, however it ends.
func (c Cache) open(ctx context.Context) (a *apt, unlock func(), err error) {
	dir, err := filepath.Abs(c.Dir) // apt takes other paths from a root of its own
	if err != nil {
		return nil, nil, fmt.Errorf("deb: %w", err)
	}
	if err := makeDirs(dir); err != nil {
		return nil, nil, err
	}
	unlock, err = c.lock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return nil, nil, err
	}
	a, err = c.newApt(filepath.Join(dir, "apt"))
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return a, unlock, nil
}

// lock asks again and again, because a flock that waits cannot be interrupted by a context.
func (c Cache) lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("deb: %w", err)
	}
	for waited := false; ; waited = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close()
			return nil, fmt.Errorf("deb: lock %s: %w", path, err)
		}
		if !waited {
			c.say("waiting for another process, which fetches a kernel")
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("deb: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
