package vm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"tailpoke/internal/vm/guest"
	"tailpoke/stress/report"
)

// Options say what is run, and in which machine.
type Options struct {
	Kernel string   // a bzImage
	Name   string   // of the kernel, for people; "" is its path
	Args   []string // of the command in the guest
	Dir    string   // where it runs, as an absolute path
	Stdin  []byte   // what it reads, or nil
	Before []string // the command line before Args, to run the same again

	CPUs    int
	Memory  string // as QEMU writes it
	Append  string // to the kernel's command line
	QEMU    []string
	Timeout time.Duration // of the guest, from its start; 0: DefaultTimeout

	Stdout, Stderr io.Writer // what the verb writes goes there at once
	// Write is given a file that the verb wrote in the guest.
	Write func(guest.File) error
	// Signal is the number of the signal that ended the context: the verb gets it too.
	Signal func() int

	limits limits
	// Of a machine that is steered: see [Steer].
	steered bool
	saved   *os.File // its state, to begin with, or nil to boot it
}

// DefaultTimeout bounds a guest's life.
const DefaultTimeout = 15 * time.Minute

// limits are bounds in time.
type limits struct {
	// silence is how long a guest that has booted may say nothing: it says something each second.
	// The machine must have spent half of it: this one may be busy with other things.
	silence time.Duration
	// dead is how long it may say nothing whatever this machine is busy with.
	dead time.Duration
	// boot is the machine's own time that a kernel has to get as far as its first process.
	boot time.Duration
	// lastWords is how long a kernel has that went wrong to say all of it.
	lastWords time.Duration
	// grace is how long a verb has to end after a signal.
	grace time.Duration
}

var usualLimits = limits{silence: 45 * time.Second, dead: 5 * time.Minute, boot: 3 * time.Minute, lastWords: 5 * time.Second, grace: 30 * time.Second}

func (o Options) withDefaults() Options {
	o.CPUs = cmp.Or(o.CPUs, DefaultCPUs)
	o.Memory = cmp.Or(o.Memory, DefaultMemory)
	o.Name = cmp.Or(o.Name, o.Kernel)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.limits = cmp.Or(o.limits, usualLimits)
	return o
}

// Result is how a guest ended.
type Result struct {
	Guest report.Guest
	Code  int    // the verb's exit code, if Fault is nil
	Fault *Fault // the kernel went wrong
	Boot  time.Duration
}

// Fault is what a kernel did in the place of living on.
type Fault struct {
	Kind   string   // crash, panic, stall, hang or reset
	Line   string   // in the kernel's own words
	Log    []string // what the console said from there on, or last
	During string   // the operation that was in progress, or ""
	After  int      // so many operations had begun
	// Seconds is when, after the kernel had booted.
	Seconds float64
	// Emulator says why the fault is laid at QEMU's door and not at the kernel's, or is "".
	Emulator string
}

// Errors of guests that say nothing of their kernel.
var (
	// ErrNoBoot: it did not get as far as the first process.
	ErrNoBoot = errors.New("the kernel does not boot")
	// ErrTime: the time was over.
	ErrTime = errors.New("the guest's time was over before the verb ended")
	// ErrAgent: the verb of a steered machine ended before it was ready.
	ErrAgent = errors.New("the guest is not ready to be steered")
)

// Machine says how the guest of these options runs, without starting it.
func Machine(ctx context.Context, o Options) (report.Guest, error) {
	_, _, g, err := o.withDefaults().machine(ctx)
	return g, err
}

// machine finds QEMU and settles what it is told.
func (o Options) machine(ctx context.Context) (path string, s settings, g report.Guest, err error) {
	path, version, err := findQEMU(ctx)
	if err != nil {
		return "", s, g, err
	}
	s = chosen(o.QEMU, hasKVM())
	return path, s, report.Guest{
		Image: o.Name, Emulator: version, Accel: s.accel, CPU: s.cpu, CPUs: o.CPUs, Memory: o.Memory, Append: o.Append,
	}, nil
}

// Run boots the kernel, runs the verb, and waits for its end or the guest's. What the kernel does
// wrong is in the result; the error says that nothing can be said of it.
func Run(ctx context.Context, o Options) (*Result, error) {
	o = o.withDefaults()
	if _, err := Version(o.Kernel); err != nil {
		return nil, err
	}
	path, s, g, err := o.machine(ctx)
	if err != nil {
		return nil, err
	}
	m, err := start(ctx, path, s, &o, g)
	if err != nil {
		return nil, err
	}
	defer m.stop()
	return m.watch(ctx)
}

// noBoot is the error of a guest whose first process never spoke, with the console's last lines.
func noBoot(why string, c *console) error {
	_, line, _, _ := c.fault()
	tail := c.tail()
	if line == "" && len(tail) > 0 {
		line = untimed(tail[len(tail)-1])
	}
	return fmt.Errorf("%w (%s): it says last: %s", ErrNoBoot, why, cmp.Or(line, "nothing"))
}
