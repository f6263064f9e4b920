package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/internal/vm"
	"tailpoke/internal/vm/guest"
	"tailpoke/internal/vm/matrix"
	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

const matrixLong = `Examples:

  stress vm matrix kernels.txt --state kernels.state
  stress vm matrix --kernel deb:6.1.0-47-amd64 --kernel arch/x86/boot/bzImage
  stress vm matrix --kernel A --kernel B -- run --engine kernel

matrix runs verbs on kernels, each in a virtual machine of its own, and makes one table of it. With two
kernels it ends with what differs. The file has a line for each kernel and each verb:

  # what may stand before a colon is its name in the table
  kernel deb:6.1.0-56-amd64
  kernel stuffing: deb:7.3.4+deb13-amd64 --append retbleed=stuff --qemu-arg "-cpu Skylake-Server"
  verb identity
  verb watcher: run --engine kernel --duration 60s

A kernel's flags are those of stress vm. Without a file, --kernel names kernels, and what comes after
-- is the verb; without one they are doctor, identity, regression, and run with the kernel engine.
With --state what was answered is kept in a directory, and a matrix that was ended goes on there.`

// usualVerbs are run where none is named.
const usualVerbs = "verb doctor\nverb identity\nverb regression\nverb kernel: run --engine kernel\n"

// maxPlan bounds the file of a matrix, in bytes.
const maxPlan = 1 << 20

// matrixing is the verb vm matrix.
type matrixing struct {
	output
	kernels []string
	machine machine // as the flags say; a kernel's line may say otherwise
	state   string
	jobs    count

	plan *matrix.Plan
	args [][]string   // of verbs
	sets []vm.Options // of kernels
}

func newMatrix() *cobra.Command {
	x := &matrixing{machine: machine{smp: vm.DefaultCPUs, timeout: duration(vm.DefaultTimeout)}}
	cmd := &cobra.Command{
		Use: "matrix [FILE] [-- VERB ...]", Short: "Run verbs on many kernels, and make one table of it", Long: matrixLong,
		RunE: x.answer(x.run),
	}
	f := cmd.Flags()
	x.machine.machineFlags(f)
	f.StringArrayVar(&x.kernels, "kernel", nil, "kernel image, or deb:NAME, in the place of a file; may be given more than once")
	f.StringVar(&x.state, "state", "", "directory to keep answers in, and to go on from")
	f.Var(&x.jobs, "jobs", "machines at once (default as many as this one has CPUs for)")
	f.Lookup("jobs").DefValue = ""
	x.progressFlag(f, longProgress)
	x.flags(f)
	return cmd
}

func (x *matrixing) run(cmd *cobra.Command, args []string) (*report.Document, error) {
	if err := x.read(cmd, args); err != nil {
		return nil, err
	}
	how, err := vm.Machine(cmd.Context(), x.sets[0])
	switch {
	case errors.Is(err, vm.ErrMissing) || errors.Is(err, errors.ErrUnsupported):
		return nil, &exit{codeMissing, err}
	case err != nil:
		return nil, failed(err)
	}
	if x.jobs == 0 {
		x.jobs = count(jobsOf(how, runtime.NumCPU()))
	}
	cells := x.cells(how)
	tell := x.counting(cmd)
	answers, err := matrix.Run(cmd.Context(), cells, matrix.Options{
		State: x.state, Jobs: int(x.jobs),
		Run: func(ctx context.Context, c matrix.Cell) (report.MatrixCell, error) { return x.cell(ctx, c) },
		Told: func(done, all int, c matrix.Cell, a report.MatrixCell) {
			tell(done, all, fmt.Sprintf("%d of %d: %s, %s: %s %s", done, all, x.plan.Kernels[c.Kernel].Name, x.plan.Verbs[c.Verb].Name, a.Verdict, a.Summary))
		},
	})
	if err != nil {
		return nil, failed(err)
	}
	return report.New(x.table(answers)), nil
}

// jobsOf is how many machines run at once: one that translates with one thread takes one CPU.
func jobsOf(g report.Guest, cpus int) int {
	each := g.CPUs
	if strings.Contains(g.Accel, "thread=single") {
		each = 1
	}
	return max(1, cpus/each)
}

// read reads the plan, finds the kernels' images, and looks at every verb.
func (x *matrixing) read(cmd *cobra.Command, args []string) (err error) {
	dash := cmd.ArgsLenAtDash()
	if dash < 0 {
		dash = len(args)
	}
	files, verb := args[:dash], args[dash:]
	switch {
	case len(files) == 1 && len(x.kernels) == 0 && len(verb) == 0:
		text, err := readAll(cmd, files[0], maxPlan)
		if err != nil {
			return usage(err)
		}
		if x.plan, err = matrix.Parse(files[0], text); err != nil {
			return usage(err)
		}
	case len(files) == 0 && len(x.kernels) > 0:
		if x.plan, err = matrix.Parse("the usual verbs", "kernel -\n"+usualVerbs); err != nil {
			return failed(err)
		}
		x.plan.Kernels = nil
		for _, k := range x.kernels {
			x.plan.Kernels = append(x.plan.Kernels, matrix.Line{Name: k, Words: []string{k}, At: "--kernel"})
		}
		if len(verb) > 0 {
			x.plan.Verbs = []matrix.Line{{Name: verb[0], Words: verb, At: "--"}}
		}
	default:
		return usagef("matrix takes a FILE, or --kernel and what comes after --")
	}
	return x.settle(cmd)
}

// settle finds what the plan's lines mean.
func (x *matrixing) settle(cmd *cobra.Command) error {
	for _, l := range x.plan.Verbs {
		if _, err := verbOf(l.Words, 0, 0, ""); err != nil {
			return usagef("%s: %v", l.At, err)
		}
		x.args = append(x.args, l.Words)
	}
	for _, l := range x.plan.Kernels {
		m := x.machine
		m.qemu = slices.Clone(m.qemu)
		f := pflag.NewFlagSet(l.Name, pflag.ContinueOnError)
		f.SetOutput(io.Discard)
		m.machineFlags(f)
		if err := f.Parse(l.Words[1:]); err != nil {
			return usagef("%s: %v", l.At, err)
		}
		if f.NArg() > 0 {
			return usagef("%s: %q is no flag", l.At, f.Arg(0))
		}
		o, err := m.settle(cmd, l.Words[0])
		if err != nil {
			code := codeFailed
			if e, ok := errors.AsType[*exit](err); ok {
				code, err = e.code, e.err
			}
			return &exit{code, fmt.Errorf("%s: %w", l.At, err)}
		}
		o.Before = []string{"stress", "vm", "--kernel", quoted(l.Words[0])}
		for _, w := range l.Words[1:] {
			o.Before = append(o.Before, quoted(w))
		}
		o.Before = append(o.Before, "--")
		x.sets = append(x.sets, o)
	}
	return nil
}

// cells are every verb on every kernel, kernel by kernel. A key has all that an answer depends on.
func (x *matrixing) cells(how report.Guest) (all []matrix.Cell) {
	for k, o := range x.sets {
		stamp := ""
		if info, err := os.Stat(o.Kernel); err == nil {
			stamp = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		}
		for v, args := range x.args {
			key, err := json.Marshal([]any{
				x.plan.Kernels[k].Name, o.Name, stamp, o.Append, o.QEMU, o.CPUs, o.Memory, o.Timeout, how.Emulator, how.Accel,
				x.plan.Verbs[v].Name, args, tool().Revision,
			})
			if err != nil {
				panic(err) // texts and numbers have a form
			}
			all = append(all, matrix.Cell{Kernel: k, Verb: v, Key: string(key)})
		}
	}
	return all
}

// cell runs one verb on one kernel.
func (x *matrixing) cell(ctx context.Context, c matrix.Cell) (report.MatrixCell, error) {
	o, args := x.sets[c.Kernel], x.args[c.Verb]
	var form format
	if err := form.Set("json"); err != nil {
		return report.MatrixCell{}, err
	}
	v, err := verbOf(args, seed(rand.Uint64()), form, "")
	if err != nil {
		return report.MatrixCell{}, err
	}
	var out, log bytes.Buffer
	o.Args, o.Stdout, o.Stderr = v.args, &out, &log
	o.Write = func(guest.File) error { return nil } // a table is all that is made
	res := &vm.Result{}
	if v.steers {
		if res.Guest, err = vm.Machine(ctx, o); err == nil {
			res.Code, err = steer(ctx, o, v.args)
		}
	} else {
		res, err = vm.Run(ctx, o)
	}
	switch {
	case errors.Is(err, vm.ErrMissing) || errors.Is(err, errors.ErrUnsupported):
		return report.MatrixCell{}, err
	case errors.Is(err, vm.ErrTime) || errors.Is(err, vm.ErrNoBoot):
		return report.MatrixCell{Verdict: report.NoAnswer, Summary: err.Error(), Code: codeNoVerdict}, nil
	case err != nil: // of this machine: the others have their answers
		return report.MatrixCell{Verdict: report.NoAnswer, Summary: err.Error(), Code: codeFailed}, nil
	case res.Fault != nil:
		d := res.Document()
		d.Seed = v.seed
		d.Summary = render.Summary(d)
		d.Again = againOf(o.Before, args, v.seed)
		out.Reset()
		if err := form.write(&out, d, render.Page{}); err != nil {
			return report.MatrixCell{}, err
		}
		res.Code = codeNoVerdict
		if d.Verdict == report.Violated {
			res.Code = codeViolated
		}
	}
	return answerOf(res, out.Bytes(), log.String()), nil
}

// answerOf makes a cell of what a verb printed.
func answerOf(res *vm.Result, document []byte, log string) report.MatrixCell {
	cell := report.MatrixCell{Guest: &res.Guest, Code: res.Code}
	var d struct {
		Verdict report.Overall `json:"verdict"`
		Summary string         `json:"summary"`
		Seconds float64        `json:"seconds"`
		Again   string         `json:"again"`
		Error   string         `json:"error"`
	}
	if err := json.Unmarshal(document, &d); err != nil {
		lines := strings.Split(strings.TrimSpace(log), "\n")
		cell.Verdict, cell.Summary = report.NoAnswer, lines[len(lines)-1]
		return cell
	}
	cell.Verdict, cell.Summary, cell.Seconds, cell.Again = d.Verdict, d.Summary, d.Seconds, d.Again
	if d.Error != "" {
		cell.Verdict = report.NoAnswer
	}
	cell.Document = json.RawMessage(bytes.TrimSpace(document))
	return cell
}

// table is the matrix of the answers, which are in the cells' order.
func (x *matrixing) table(answers []report.MatrixCell) *report.Matrix {
	m := &report.Matrix{}
	for i, l := range x.plan.Verbs {
		m.Verbs = append(m.Verbs, report.MatrixVerb{Name: l.Name, Args: x.args[i]})
	}
	for i, l := range x.plan.Kernels {
		n := len(m.Verbs)
		m.Kernels = append(m.Kernels, report.MatrixKernel{Name: l.Name, Cells: answers[i*n : (i+1)*n]})
	}
	return m
}
