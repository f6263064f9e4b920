package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/internal/vm"
	"tailpoke/internal/vm/deb"
	"tailpoke/internal/vm/guest"
	"tailpoke/stress/report"
)

const vmLong = `Examples:

  stress vm --kernel arch/x86/boot/bzImage -- run --engine kernel --duration 30s
  stress vm --kernel deb:6.1.0-56-amd64 -- regression
  stress vm --kernel deb:7.3.4+deb13-amd64 --qemu-arg "-cpu EPYC" -- identity --json
  git bisect run stress vm --kernel arch/x86/boot/bzImage --exit-bisect -- run --engine kernel

vm boots a kernel image under QEMU and runs a verb of this command in it, the main job if none is
given. What the verb prints and its exit code are those of the verb; files that its arguments name are
taken along, and files that it writes come back. A kernel that dies, stalls or hangs meanwhile
violates kernel-lives. The machine has no network, and no disk of this one's. Without
KVM it is slow, and cannot show every window: the report says how it ran. deb:NAME is the image of
Debian's package linux-image-NAME, which is fetched once and kept; deb:6.1 is the newest of 6.1.

With --exit-bisect the exit code is 0 for good, 1 for bad, 125 for a kernel that does not boot or that
nothing can be said of, as git bisect run reads it.`

// The exit codes of git bisect run.
const (
	bisectSkip  = 125
	bisectAbort = 128
)

// machine is the verb vm.
type machine struct {
	output
	kernel  string
	options vm.Options
	smp     count
	memory  size
	qemu    []string
	timeout duration
	bisect  bool
	bundle  string // file
	witness string // file
	steers  bool   // the verb runs here, and steers the kernel
	ran     bool   // the verb has ended in the guest: the exit code is its own
}

func newVM() *cobra.Command {
	m := &machine{smp: vm.DefaultCPUs, timeout: duration(vm.DefaultTimeout)}
	m.seed = seed(rand.Uint64())
	cmd := &cobra.Command{
		Use: "vm --kernel FILE [-- VERB ...]", Short: "Run a verb on another kernel, in a virtual machine", Long: vmLong,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return m.codeOf(m.run(cmd, args)) }
	f := cmd.Flags()
	f.SetInterspersed(false) // the verb's flags are its own
	m.machineFlags(f)
	f.StringVar(&m.kernel, "kernel", "", "kernel image: a bzImage, or deb:NAME for Debian's linux-image-NAME")
	f.StringVar(&m.bundle, "bundle", "", "file to keep all that is known in if the kernel went wrong, for stress replay")
	f.StringVar(&m.witness, "witness", "", "take the witness of this file in the kernel, in the place of a verb: stress replay FILE --kernel")
	f.BoolVar(&m.bisect, "exit-bisect", false, "exit with 0, 1 or 125, for git bisect run")
	m.flags(f)
	cmd.AddCommand(newMatrix())
	return cmd
}

// machineFlagNames are the flags that machineFlags adds.
var machineFlagNames = []string{"smp", "memory", "append", "qemu-arg", "timeout"}

// machineFlags adds the flags for the machine that a kernel runs in.
func (m *machine) machineFlags(f *pflag.FlagSet) {
	f.Var(&m.smp, "smp", "CPUs of the machine")
	f.Var(&m.memory, "memory", "memory of the machine, such as 1G")
	f.Lookup("memory").DefValue = vm.DefaultMemory
	f.StringVar(&m.options.Append, "append", "", "more of the kernel's command line")
	f.StringArrayVar(&m.qemu, "qemu-arg", nil, `more arguments for QEMU, such as "-cpu EPYC"; may be given more than once`)
	f.Var(&m.timeout, "timeout", "time for the machine, from its start")
}

// codeOf is the exit of a run as git bisect run reads it. What is wrong for every commit ends the
// bisection: the command line, and what this machine lacks.
func (m *machine) codeOf(err error) error {
	e, ok := errors.AsType[*exit](err)
	switch {
	case !m.bisect || err == nil:
		return err
	case !ok || !m.ran && e.code != codeNoVerdict && e.code != codeViolated:
		return &exit{bisectAbort, err}
	case e.code == codeViolated || interruptedBy(e.code):
		return err
	}
	return &exit{bisectSkip, e.err}
}

// interruptedBy reports whether an exit code is that of a signal which this command got.
func interruptedBy(code int) bool {
	return code == codeSignal+int(syscall.SIGINT) || code == codeSignal+int(syscall.SIGTERM) || code == codeSignal+int(syscall.SIGHUP)
}

// run boots the kernel and runs the verb. It makes a document only of what the guest cannot tell.
func (m *machine) run(cmd *cobra.Command, args []string) error {
	if err := m.check(cmd); err != nil {
		return usage(err)
	}
	code, d, err := m.boot(cmd, args)
	if d != nil || err != nil {
		return m.answer(func(*cobra.Command, []string) (*report.Document, error) { return d, err })(cmd, args)
	}
	if stopped := interrupted(cmd.Context()); stopped != nil {
		return stopped
	}
	if m.ran = true; code != codeHolds {
		return &exit{code, nil} // the guest has said why
	}
	return nil
}

// boot returns the verb's exit code, or the document of a kernel that went wrong.
func (m *machine) boot(cmd *cobra.Command, args []string) (code int, d *report.Document, err error) {
	o, err := m.optionsOf(cmd, args)
	if err != nil {
		return 0, nil, err
	}
	out := &counted{to: o.Stdout}
	o.Stdout = out
	if m.steers {
		code, err := steer(cmd.Context(), o, o.Args)
		return code, nil, err
	}
	res, err := vm.Run(cmd.Context(), o)
	switch {
	case errors.Is(err, vm.ErrMissing) || errors.Is(err, errors.ErrUnsupported):
		return 0, nil, &exit{codeMissing, err}
	case errors.Is(err, vm.ErrTime) || errors.Is(err, vm.ErrNoBoot):
		return 0, nil, &exit{codeNoVerdict, err}
	case err != nil:
		return 0, nil, failed(err)
	case res.Fault != nil:
		m.again = againOf(o.Before, args, m.drawn)
		d := res.Document()
		if err := m.keep(d, args); err != nil {
			return 0, d, failed(err)
		}
		if out.n > 0 && m.format == 0 { // people have read the head
			d.Guest, m.drawn = nil, ""
		}
		return 0, d, nil
	}
	fmt.Fprintf(m.notes(cmd), "ran on %s in %s, %s; booted in %.0f s\n", res.Guest.Release, res.Guest.Emulator, res.Guest.Accel, res.Boot.Seconds())
	return res.Code, nil, nil
}

// againOf is the command line that runs a verb again, with the same seed.
func againOf(before, args []string, seed string) string {
	words := slices.Clone(before)
	for _, a := range args {
		words = append(words, quoted(a))
	}
	if seed != "" && !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--seed") }) {
		words = append(words, "--seed", seed)
	}
	return strings.Join(words, " ")
}

// optionsOf makes the options of a run from the flags and the verb.
func (m *machine) optionsOf(cmd *cobra.Command, args []string) (o vm.Options, err error) {
	if m.kernel == "" {
		return o, usagef("vm needs --kernel FILE, or --kernel deb:NAME")
	}
	if m.witness != "" {
		if len(args) > 0 {
			return o, usagef("vm takes --witness or a verb, not both")
		}
		args = []string{"replay", m.witness}
	}
	v, err := verbOf(args, m.seed, m.format, m.html)
	if err != nil {
		return o, err
	}
	v.steers = v.steers || m.witness != ""
	m.format, m.drawn = v.format, v.seed
	m.quiet, m.steers = m.quiet || v.quiet, v.steers
	if o, err = m.settle(cmd, m.kernel); err != nil {
		return o, err
	}
	if slices.Contains(args, "-") {
		text, err := readAll(cmd, "-", 1<<20)
		if err != nil {
			return o, usage(err)
		}
		o.Stdin = []byte(text)
	}
	o.Args = v.args
	o.Before = append(wordsOf(cmd, nil), "--")
	o.Stdout, o.Stderr = cmd.OutOrStdout(), m.notes(cmd)
	o.Write = writeBack
	return o, nil
}

// settle makes the options of the machine, and finds the kernel's image.
func (m *machine) settle(cmd *cobra.Command, kernel string) (o vm.Options, err error) {
	o = m.options
	if o.Dir, err = os.Getwd(); err != nil {
		return o, failed(err)
	}
	o.Name, o.Kernel = kernel, kernel
	if name, ok := strings.CutPrefix(kernel, "deb:"); ok {
		say := func(line string) { fmt.Fprintln(m.notes(cmd), line) }
		switch o.Kernel, err = deb.Fetch(cmd.Context(), name, say); {
		case errors.Is(err, deb.ErrUnknown):
			return o, usage(err)
		case errors.Is(err, deb.ErrMissing):
			return o, &exit{codeMissing, err}
		case err != nil:
			return o, failed(err)
		}
	}
	if _, err := vm.Version(o.Kernel); err != nil {
		return o, usage(err)
	}
	o.CPUs, o.Timeout = int(m.smp), time.Duration(m.timeout)
	if m.memory > 0 {
		o.Memory = fmt.Sprintf("%dM", uint64(m.memory)>>20)
	}
	for _, words := range m.qemu {
		o.QEMU = append(o.QEMU, strings.Fields(words)...)
	}
	o.Signal = func() int { return signalOf(cmd.Context()) }
	return o, nil
}

// writeBack writes a file that the verb wrote in the guest.
func writeBack(f guest.File) error { return os.WriteFile(filepath.Clean(f.Name), f.Data, 0o644) }

// signalOf is the number of the signal that ended a context.
func signalOf(ctx context.Context) int {
	var i interrupt
	if errors.As(context.Cause(ctx), &i) {
		return int(i.signal)
	}
	return int(syscall.SIGTERM)
}
