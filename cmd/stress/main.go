package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"tailpoke/stress"
)

func main() {
	stress.Child() // a process that is to run one job does that and never returns
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole command; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil { // Go would exit with 2, which says that the input was bad
			fmt.Fprintf(stderr, "stress: internal fault: %v\n%s", r, debug.Stack())
			code = codeFailed
		}
	}()
	ctx, stop := withSignals(context.Background())
	defer stop()
	root := newRoot()
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(append([]string{}, args...)) // cobra reads os.Args in the place of nil
	return exitCode(root.ExecuteContext(ctx), stderr)
}
