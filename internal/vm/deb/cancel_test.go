package deb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCancel: apt's children end with the context, and so does waiting for another process.
func TestCancel(t *testing.T) {
	for _, verb := range []string{"update", "download"} {
		t.Run(verb, func(t *testing.T) {
			f := newFake(t)
			f.has("linux-image-1", "./boot/vmlinuz-1", "image")
			f.write("hang-"+verb, "")
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				for ; f.t.Context().Err() == nil; time.Sleep(time.Millisecond) {
					if raw, err := os.ReadFile(filepath.Join(f.dir, "pid")); err == nil && len(raw) > 0 {
						break
					}
				}
				cancel()
			}()
			start := time.Now()
			if _, err := f.cache().Fetch(ctx, "1"); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			// The pipe that a child of a child holds would be waited for.
			if d := time.Since(start); d > 4*time.Second {
				t.Errorf("after %v", d)
			}
			waitForGroup(t, f.read("pid"))
			if left := f.left(); left != "" {
				t.Error(left)
			}
		})
	}
	t.Run("lock", func(t *testing.T) {
		f := newFake(t)
		_, unlock, err := f.cache().open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cache := f.cache()
		cache.Say = func(string) { cancel() }
		if _, err := cache.Fetch(ctx, "1"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		unlock()
		if asked := f.asked(); asked != "" {
			t.Error(asked)
		}
	})
}

// waitForGroup waits until no process of a group is left: those killed are reaped by others.
func waitForGroup(t *testing.T, group string) {
	t.Helper()
	pid := 0
	for _, digit := range strings.TrimSpace(group) {
		pid = 10*pid + int(digit-'0')
	}
	for range 1000 {
		if errors.Is(syscall.Kill(-pid, 0), syscall.ESRCH) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d lives", pid)
}
