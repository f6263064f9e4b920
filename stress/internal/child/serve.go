package child

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
)

// env marks a process that does one thing and nothing else: its value names the work.
const env = "TAILPOKE_CHILD"

// ready says that Serve was called, so that this program's executable can be started as a child.
var ready atomic.Bool

// Ready reports whether this process can have children.
func Ready() bool { return ready.Load() }

// Work reads what it is asked from in, and returns its answer, which becomes JSON.
type Work func(in io.Reader) any

// Serve does the work that this process was started for, and exits; or returns, if it was
// started for none.
func Serve(works map[string]Work) {
	name := os.Getenv(env)
	if name == "" {
		ready.Store(true)
		return
	}
	work, ok := works[name]
	if !ok {
		fail(fmt.Errorf("%s=%q: no such work", env, name))
	}
	// A terminal's interrupt goes to both processes; the parent passes it on as SIGTERM.
	signal.Ignore(os.Interrupt)
	if err := json.NewEncoder(os.Stdout).Encode(work(os.Stdin)); err != nil {
		fail(err)
	}
	os.Exit(0)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "tailpoke child:", err)
	os.Exit(1)
}
