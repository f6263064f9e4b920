package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"

	"tailpoke/stress"
)

func main() {
	stress.Child() // a process that is to run one job does that and never returns
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// leastFiles is how many open files the Go runtime needs, which ends the process with the exit code
// 2 where it gets none, and a few more.
const leastFiles = 16

// enoughFiles says that the process may not have as many open files.
func enoughFiles() error {
	var may syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &may); err != nil || may.Cur >= leastFiles {
		return nil
	}
	return fmt.Errorf("this process may have %d open files, and needs %d or more: ulimit -n raises that", may.Cur, leastFiles)
}

// run is the whole command; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil { // Go would exit with 2, which says that the input was bad
			fmt.Fprintf(stderr, "stress: internal fault: %v\n%s", r, debug.Stack())
			code = codeFailed
		}
	}()
	if err := enoughFiles(); err != nil {
		return exitCode(failed(err), stderr)
	}
	ctx, stop := withSignals(context.Background())
	defer stop()
	out := &checked{to: stdout}
	root := newRoot()
	root.SetOut(out)
	root.SetErr(stderr)
	root.SetArgs(append([]string{}, args...)) // cobra reads os.Args in the place of nil
	err := root.ExecuteContext(ctx)
	if out.err != nil { // cobra does not look when it prints help
		err = failed(out.err)
	}
	return exitCode(err, stderr)
}

// checked keeps the first error of what is written to it.
type checked struct {
	to  io.Writer
	err error
}

func (c *checked) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	if c.err == nil {
		c.err = err
	}
	return n, err
}
