package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"runtime/debug"
	"syscall"

	"tailpoke/internal/vm/guest"
	"tailpoke/stress"
)

func main() {
	guest.Main()   // the first process of a virtual machine runs a verb and never returns
	stress.Child() // a process that is to run one job does that and never returns
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// What the Go runtime needs, which ends the process with the exit code 2 where it gets less, and a few
// more: open files, and bytes of address space.
const (
	leastFiles  = 16
	leastMemory = 4 << 30
)

// enough says that the process may not have as much.
func enough() error {
	var may syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &may); err == nil && may.Cur < leastFiles {
		return fmt.Errorf("this process may have %d open files, and needs %d or more: ulimit -n raises that", may.Cur, leastFiles)
	}
	if most := addressSpace(); most < leastMemory {
		return fmt.Errorf("this process may have %d MiB of address space, and needs %d or more: ulimit -v raises that", most>>20, leastMemory>>20)
	}
	return nil
}

// addressSpace is how many bytes the process may map.
func addressSpace() uint64 {
	var may syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &may); err != nil {
		return math.MaxUint64
	}
	return may.Cur
}

// run is the whole command; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil { // Go would exit with 2, which says that the input was bad
			fmt.Fprintf(stderr, "stress: internal fault: %v\n%s", r, debug.Stack())
			code = codeFailed
		}
	}()
	if err := enough(); err != nil {
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
