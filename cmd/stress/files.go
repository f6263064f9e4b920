package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// later is a file that was opened before there is anything to write, so that one that cannot be
// written is known at once. What was there stays until something is written.
type later struct {
	file *os.File
	made bool // there was none
}

// openLater opens a file; of no name it is nil.
func openLater(name string) (*later, error) {
	if name == "" {
		return nil, nil
	}
	_, err := os.Stat(name)
	l := &later{made: errors.Is(err, fs.ErrNotExist)}
	if l.file, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|syscall.O_NONBLOCK, 0o666); err != nil {
		if no, ok := errors.AsType[*fs.PathError](err); ok {
			err = fmt.Errorf("%s: %w", name, no.Err)
		}
		return nil, err
	}
	return l, nil
}

// write puts something in the place of what was there.
func (l *later) write(content []byte) error {
	l.made = false // it stays
	if st, err := l.file.Stat(); err == nil && st.Mode().IsRegular() {
		if err := l.file.Truncate(0); err != nil {
			return err
		}
	}
	_, err := l.file.Write(content)
	return errors.Join(err, l.file.Close())
}

// close removes the file if nothing was written and there was none.
func (l *later) close() {
	if l == nil {
		return
	}
	l.file.Close()
	if l.made {
		os.Remove(l.file.Name())
	}
}

// held does what a named pipe may hold up, until somebody opens its other end. A signal ends that;
// what nothing holds up has a moment even then.
func held(cmd *cobra.Command, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-cmd.Context().Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(time.Second):
		return context.Cause(cmd.Context())
	}
}

// create makes a file. A named pipe waits for a reader: one that is opened to be read as well, as by
// os.Create, would not, and what is written might be lost.
func create(cmd *cobra.Command, name string) (*os.File, error) {
	var made *os.File // of a goroutine that may be left behind
	err := held(cmd, func() (err error) {
		made, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// counted counts what is written to it.
type counted struct {
	to io.Writer
	n  int
}

func (c *counted) Write(b []byte) (int, error) {
	c.n += len(b)
	return c.to.Write(b)
}
