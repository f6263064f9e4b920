package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The exit codes that the command documents.
const (
	holds     = 0
	violated  = 1
	usage     = 2
	failed    = 3
	missing   = 4
	noVerdict = 5
	signalled = 128 // and the signal's number
)

// answers are the codes of a command line with which nothing is wrong. Whether something is may be
// more than an input knows.
var answers = []int{holds, violated, usage, missing, noVerdict}

// What standard input is.
type stdin int

const (
	empty   stdin = iota
	closed        // no file at all
	text          // the input's own
	endless       // it never stops
	silent        // it stays open, and says nothing
)

// A sent signal.
type sent struct {
	after  time.Duration // of the start, or of the signal before it
	signal syscall.Signal
	group  bool // to the children too, as a terminal does
}

// An input is what one process of the command is given.
type input struct {
	kind    string // what the table counts it as
	args    []string
	stdin   stdin
	text    string
	files   map[string][]byte // of the folder that it runs in
	env     []string
	limits  string // for the shell that starts it: ulimit and the like
	output  string // for the same shell: where standard output goes
	noRoot  bool
	limit   time.Duration // that it sets itself; 0 is none
	slack   time.Duration // beyond that, or a signal
	patient time.Duration // without a limit: when to interrupt it
	signals []sent
	codes   []int  // that it may exit with
	form    string // of the report, if the input is sure of it
	reports bool   // also where a signal ends it
}

// names of what may stand in the folder of an input, beside its files.
const (
	fifo   = "fifo"
	folder = "folder"
	secret = "secret" // which nobody but root can read
)

// draw makes the input with this number.
func draw(seed, number uint64, m *material) *input {
	r := generator(seed, number)
	in := &input{files: map[string][]byte{}, slack: slack, patient: 700*time.Millisecond + upTo(r, 800*time.Millisecond)}
	switch n := r.IntN(100); {
	case n < 45:
		drawFlags(r, in)
	case n < 80:
		drawFile(r, in, m)
	case n < 94:
		drawSurroundings(r, in)
	default:
		drawSignal(r, in)
	}
	for _, a := range in.args {
		_, value, _ := strings.Cut(a, "=")
		for _, name := range []string{a, value} {
			if data, ok := m.files[name]; ok && in.files[name] == nil {
				in.files[name] = data
			}
		}
	}
	in.codes = slices.Compact(slices.Sorted(slices.Values(in.codes)))
	return in
}

// has reports whether an argument names something.
func (in *input) has(name string) bool {
	return slices.ContainsFunc(in.args, func(a string) bool { return a == name || strings.HasSuffix(a, "="+name) })
}

// memoryMax bounds what a process may map, in KiB: no file may make it ask for all there is.
const memoryMax = 16 << 20

// script is what a shell runs, with the command and its arguments as $0 and on.
func (in *input) script() string {
	limits := in.limits
	if !strings.Contains(limits, "ulimit -v") {
		limits = fmt.Sprintf("ulimit -v %d; ", memoryMax) + limits
	}
	return limits + `exec "$0" "$@"` + in.output
}

// again is a line for bash that shows the input again, in the folder that was kept.
func (in *input) again(stress, dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cd %s && ", quoted(dir))
	from := ""
	switch in.stdin {
	case empty:
		from = " </dev/null"
	case closed:
		from = " <&-"
	case text:
		from = " <" + quoted(filepath.Join("..", filepath.Base(dir)+".stdin"))
	case endless:
		b.WriteString("yes | ")
	case silent:
		b.WriteString("sleep 60 | ")
	}
	for _, v := range in.env {
		b.WriteString("env " + quoted(v) + " ")
	}
	if in.noRoot {
		b.WriteString("setpriv --reuid 65534 --regid 65534 --clear-groups ")
	}
	last := slices.Clone(in.signals)
	if len(last) == 0 && in.limit == 0 && in.patient > 0 {
		last = []sent{{after: in.patient, signal: syscall.SIGINT}}
	}
	if len(last) > 0 {
		fmt.Fprintf(&b, "timeout --foreground -s %d %.3f ", last[0].signal, last[0].after.Seconds())
	}
	fmt.Fprintf(&b, "sh -c %s %s", quoted(in.script()), quoted(stress))
	for _, a := range in.args {
		b.WriteString(" " + quoted(a))
	}
	return b.String() + from
}

// quoted makes one word of bash.
func quoted(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./,:=@%+", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < ' ' || c >= 0x7f || c == '\'' || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return "$'" + b.String() + "'"
}

// waits reports whether the input may wait for what never comes, whatever else is wrong with it.
func (in *input) waits() bool { return in.has(fifo) || in.stdin == silent }

// generator is where the choices of an input come from.
func generator(seed, number uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, number)) }

// oneOf draws an element.
func oneOf[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// upTo draws a time span.
func upTo(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(most)))
}
