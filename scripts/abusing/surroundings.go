package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// ordinary are command lines with which nothing is wrong, and what they say.
var ordinary = []struct {
	args []string
	code int
}{
	{[]string{"version"}, holds}, {[]string{"list"}, holds}, {[]string{"doctor"}, holds}, {[]string{"disasm", "--sites", "2"}, holds},
	{[]string{"model", "--sites", "2"}, holds}, {[]string{"model", "--grace", "sleep", "--sites", "2"}, violated},
	{[]string{"run", "--engine", "machine", "--sites", "1"}, holds}, {[]string{"search", "--steps", "2"}, violated},
	{[]string{"conform", "trace.txt", "--sites", "2"}, holds}, {[]string{"replay", "machine.json"}, violated},
	{[]string{"replay", "model.json"}, violated}, {[]string{"model", "--protocol", "p.txt", "--method", "m.txt", "--sites", "1"}, holds},
	{[]string{"disasm", "--object", "tailcalls.o", "--entry", "dispatch"}, holds}, {[]string{"run", "--help"}, holds},
	{[]string{"mutants", "--engine", "model", "no-grace"}, holds}, {[]string{"regression", "tailcall_1"}, holds},
	{[]string{"exit-codes"}, holds}, {[]string{"completion", "bash"}, holds}, {[]string{"list", "no-such"}, usage},
	{[]string{"run", "--engine", "machine", "--sites", "1", "--script", "calls.txt"}, holds},
}

// odd values of variables that the command or its runtime looks at.
var oddVariables = map[string][]string{
	"COLUMNS": {
		"0", "1", "2", "3", "10", "39", "80", "-1", "", "x", "9223372036854775807", "99999999999999999999", "\x1b[2J",
	},
	"NO_COLOR": {"", "1", "\x1b[2J"},
	"TERM":     {"", "dumb", "xterm-256color", "\x1b[2J", strings.Repeat("t", 5000)},
	"HOME":     {"", "/nonexistent", "/dev/null", "\xff"},
	"TMPDIR":   {"", "/nonexistent", "/dev/null", "/proc"},
	"LANG":     {"", "C", "tr_TR.UTF-8", "\xff"},
	"TZ":       {"", "Nowhere/Nothing", "/dev/zero", ":"},
	"PATH":     {"", "/nonexistent"},
}

// drawSurroundings runs an ordinary command line where something is missing or odd.
func drawSurroundings(r *rand.Rand, in *input) {
	o := oneOf(r, ordinary)
	in.args = slices.Clone(o.args)
	in.codes = []int{o.code}
	in.patient = 0 // nothing here goes on for long
	shown := o.args[0] != "completion" && o.args[0] != "exit-codes" && !slices.Contains(o.args, "--help")
	if form := oneOf(r, []string{"", "", "text", "json", "junit", "ktap"}); form != "" && shown {
		in.asks(form)
	}
	switch r.IntN(8) {
	case 0:
		in.kind = "surroundings: full disk"
		in.output = " >/dev/full"
		if o.code != usage {
			in.codes = []int{failed}
		}
	case 1:
		in.kind = "surroundings: closed files"
		in.output = oneOf(r, []string{" >&-", " >&- 2>&-", " 2>&-"})
		in.stdin = stdin(r.IntN(2))
		in.form = "unsure"
	case 2:
		n := 4 + r.IntN(36) // a loader of shared libraries needs one more than the three
		in.kind = "surroundings: open files"
		in.limits = fmt.Sprintf("ulimit -n %d; ", n)
		in.codes = append(in.codes, missing)
		if n < 30 {
			in.codes = append(in.codes, failed)
		}
	case 3:
		const least = 4 << 20          // what the command wants
		n := 2_000_000 + r.IntN(6<<20) // with less the runtime may not come up
		in.kind = "surroundings: memory"
		in.limits = fmt.Sprintf("ulimit -v %d; ", n)
		if n < least {
			in.codes = []int{failed}
		}
	case 4, 5:
		in.kind = "surroundings: variables"
		for range 1 + r.IntN(3) {
			name := oneOf(r, []string{"COLUMNS", "COLUMNS", "COLUMNS", "NO_COLOR", "TERM", "HOME", "TMPDIR", "LANG", "TZ", "PATH"})
			in.env = append(in.env, name+"="+oneOf(r, oddVariables[name]))
		}
		if r.IntN(3) == 0 {
			in.limits = "unset HOME TMPDIR PATH LANG; "
		}
	case 6:
		in.kind = "surroundings: no folder"
		in.limits = `d=$(mktemp -d) && cd "$d" && rmdir "$d"; `
		if slices.ContainsFunc(in.args, func(a string) bool { return strings.Contains(a, ".") }) {
			in.codes = []int{usage}
		}
	case 7:
		in.kind = "surroundings: no rights"
		in.noRoot = true
		in.codes = append(in.codes, missing)
		if r.IntN(2) == 0 && in.args[0] == "model" {
			in.args = append(in.args, "--witness", "/proc/none.json")
			in.codes = append(in.codes, usage, failed)
		}
	}
}
