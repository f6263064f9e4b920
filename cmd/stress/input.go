package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// stdin is standard input, whose reading a signal ends.
func stdin(cmd *cobra.Command) io.Reader { return &patient{cmd.Context(), cmd.InOrStdin()} }

// patient reads until its context ends: a pipe may stay open for ever with nothing in it.
type patient struct {
	ctx context.Context
	in  io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	own := make([]byte, len(b)) // of a read that goes on when nobody waits for it any more
	go func() {
		n, err := p.in.Read(own)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(b, own[:r.n]), r.err
	case <-p.ctx.Done():
		return 0, context.Cause(p.ctx)
	}
}

// readAll reads a file, or standard input for "-", of at most so many bytes. A signal ends it, also
// where opening a named pipe waits for a writer.
func readAll(cmd *cobra.Command, name string, most int64) (string, error) {
	in := stdin(cmd)
	if name != "-" {
		in = &patient{cmd.Context(), &lateFile{name: name}}
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return "", err
	}
	if int64(len(text)) > most {
		return "", fmt.Errorf("%s: its text is longer than %d bytes", name, most)
	}
	return string(text), nil
}

// lateFile opens its file when it is read, and closes it at its end.
type lateFile struct {
	name string
	file *os.File
}

func (l *lateFile) Read(b []byte) (n int, err error) {
	if l.file == nil {
		if l.file, err = os.Open(l.name); err != nil {
			return 0, err
		}
	}
	if n, err = l.file.Read(b); err != nil {
		l.file.Close()
	}
	return n, err
}
