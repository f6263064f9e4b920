package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A verb is what the command can be asked for.
type verb struct {
	name   string
	weight int
	least  []string          // flags and arguments that keep it short
	flags  map[string]string // kinds of values by flag
	takes  string            // kind of its arguments; "nothing" is none
}

// Flags that verbs share.
var (
	formFlags    = map[string]string{"format": "format", "json": "switch", "quiet": "switch"}
	subjectFlags = map[string]string{"protocol": "protocol", "method": "method", "grace": "grace"}
	targetFlags  = map[string]string{
		"case": "case", "entry": "entry", "keys": "number", "layout": "layout", "object": "object",
		"programs": "number", "sites": "number",
	}
	exploreFlags = map[string]string{
		"max-states": "number", "max-memory": "size", "expect": "verdict", "seed": "seed", "progress": "duration", "witness": "file",
	}
	liveFlags = map[string]string{
		"threads": "number", "min-cycles": "number", "no-boost": "switch", "stop-at-first": "switch",
		"duration": "duration", "seed": "seed", "progress": "duration", "expect": "verdict",
	}
)

// flagsOf joins tables of flags.
func flagsOf(tables ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, t := range append(tables, formFlags) {
		maps.Copy(out, t)
	}
	return out
}

var runFlags = flagsOf(subjectFlags, targetFlags, exploreFlags, map[string]string{
	"threads": "number", "engine": "engines", "require": "engines", "script": "script", "trace": "file", "callers": "number",
	"budget": "duration",
})

var verbs = []verb{
	{"run", 20, []string{"--engine", "machine", "--sites", "1", "--budget", "200ms"}, runFlags, "nothing"},
	{"run", 10, []string{"--engine", "model,machine", "--budget", "100ms"}, runFlags, "nothing"},
	{"run", 3, []string{"--engine", "cpu", "--sites", "1", "--duration", "120ms"}, flagsOf(subjectFlags, targetFlags, liveFlags, map[string]string{"trace": "file", "script": "script"}), "nothing"},
	{"run", 1, []string{"--engine", "kernel", "--sites", "1", "--duration", "100ms"}, flagsOf(subjectFlags, targetFlags, liveFlags, map[string]string{"trace": "file", "callers": "number"}), "nothing"},
	{"soak", 3, []string{"--engine", "cpu", "--sites", "1", "--duration", "120ms"}, flagsOf(subjectFlags, targetFlags, liveFlags), "nothing"},
	{"model", 20, []string{"--sites", "1", "--max-states", "20000"}, flagsOf(subjectFlags, targetFlags, exploreFlags, map[string]string{"promela": "number"}), "nothing"},
	{"conform", 10, []string{"trace.txt", "--sites", "2"}, flagsOf(subjectFlags, targetFlags, map[string]string{"expect": "verdict"}), "trace"},
	{"replay", 8, []string{"machine.json"}, flagsOf(map[string]string{"svg": "file", "expect": "verdict"}), "witness"},
	{"mutants", 4, []string{"no-grace", "--engine", "model", "--sites", "1"}, flagsOf(targetFlags, map[string]string{"engine": "engines", "runs": "number", "seed": "seed", "progress": "duration", "duration": "duration", "safe-duration": "duration", "threads": "number"}), "mutant"},
	{"search", 6, []string{"--steps", "2"}, flagsOf(subjectFlags, map[string]string{"op": "op", "steps": "steps", "sites": "number", "all": "switch", "progress": "duration"}), "nothing"},
	{"plugin", 6, []string{"--interp"}, flagsOf(map[string]string{"interp": "switch", "layout": "layout"}), "memory"},
	{"regression", 2, []string{"tailcall_1"}, flagsOf(), "case"},
	{"identity", 2, []string{"--random", "1", "--object", "hierarchy.o"}, flagsOf(map[string]string{"random": "number", "object": "object", "seed": "seed"}), "nothing"},
	{"disasm", 8, []string{"--sites", "1"}, flagsOf(targetFlags), "nothing"},
	{"doctor", 2, nil, flagsOf(), "nothing"},
	{"list", 6, nil, flagsOf(), "list"},
	{"version", 2, nil, flagsOf(), "nothing"},
	{"completion", 2, nil, nil, "shell"},
	{"help", 2, nil, nil, "topic"},
	{"exit-codes", 1, nil, nil, "topic"},
}

// clashes are command lines that say two things at once, or nothing.
var clashes = [][]string{
	{"list", "--json", "--format", "ktap"}, {"run", "--budget", "1s", "--duration", "1s"}, {"run", "--engine", "model", "--require", "cpu"},
	{"run", "--engine", "model", "--callers", "2"}, {"run", "--engine", "machine", "--stop-at-first"}, {"run", "--engine", "cpu", "--max-states", "5"},
	{"run", "--engine", "model", "--trace", "t"}, {"run", "--object", "tailcalls.o", "--sites", "2"}, {"model", "--entry", "main"},
	{"model", "--case", "tailcall_1", "--object", "tailcalls.o", "--entry", "entry"}, {"model", "--case", "tailcall_1", "--sites", "1"},
	{"conform"}, {"conform", "trace.txt", "trace.txt"}, {"replay"}, {"replay", "machine.json", "model.json"}, {"plugin", "00", "00"},
	{"rnu"}, {"MODEL"}, {""}, {"--verbose"}, {"-x"}, {"-"}, {"run", "-"}, {"run", "--engine"}, {"model", "--sites"}, {"model", "--sites="},
	{"model", "--=1"}, {"model", "---sites", "1"}, {"run", "--", "--help"}, {"version", "--", "--json"}, {"list", "protocols", "methods"},
	{"\x1b[2J"}, {"--\x1b[2J"}, {"model", "--sit\u009bes", "1"}, {"model", "--\xff=1"}, {"-\x07"}, {"-日"}, {"run", "-qq\u202e"},
}

// drawFlags makes a command line.
func drawFlags(r *rand.Rand, in *input) {
	in.codes = answers
	if r.IntN(12) == 0 {
		in.kind, in.args, in.codes = "flags that clash", slices.Clone(oneOf(r, clashes)), []int{usage}
		return
	}
	v := drawVerb(r)
	in.kind = "flags of " + v.name
	in.args = append([]string{v.name}, v.least...)
	for range r.IntN(4) {
		in.addFlag(r, v)
	}
	in.addArguments(r, v)
	in.addStdin(r)
	if in.has(secret) || r.IntN(40) == 0 {
		in.noRoot = true
	}
	if in.has(secret) {
		in.files[secret] = nil
	}
	if v.name == "replay" || in.has("/dev/full") || in.writes() {
		in.codes = append(in.codes[:len(in.codes):len(in.codes)], failed)
	}
	in.codes = in.codes[:len(in.codes):len(in.codes)]
	in.limit = limitOf(in.args)
}

func drawVerb(r *rand.Rand) verb {
	all := 0
	for _, v := range verbs {
		all += v.weight
	}
	n := r.IntN(all)
	for _, v := range verbs {
		if n -= v.weight; n < 0 {
			return v
		}
	}
	panic("the weights are wrong")
}

// addFlag adds a flag of a verb with some value, in one argument or two. What only names something
// comes once: the last value is the one that counts.
func (in *input) addFlag(r *rand.Rand, v verb) {
	if len(v.flags) == 0 {
		return
	}
	name := oneOf(r, slices.Sorted(maps.Keys(v.flags)))
	k := v.flags[name]
	if in.gives(name) && !readAtOnce[k] {
		return
	}
	value, c := kinds[k].value(r)
	switch {
	case k == "switch" && c == good && r.IntN(2) == 0:
		in.args = append(in.args, "--"+name)
	case k == "switch" || r.IntN(2) == 0:
		in.args = append(in.args, "--"+name+"="+value)
	default:
		in.args = append(in.args, "--"+name, value)
	}
	if c == bad {
		in.codes = []int{usage}
	}
	if name == "format" && c == good && in.form == "" {
		in.form = value
	} else if name == "format" || name == "json" {
		in.form = "unsure"
	}
}

// readAtOnce are kinds of values that a flag reads when it is met, and refuses then.
var readAtOnce = map[string]bool{
	"number": true, "duration": true, "size": true, "seed": true, "format": true, "verdict": true, "switch": true,
	"engines": true, "steps": true,
}

// gives reports whether the command line has a flag.
func (in *input) gives(name string) bool {
	return slices.ContainsFunc(in.args, func(a string) bool { return a == "--"+name || strings.HasPrefix(a, "--"+name+"=") })
}

// addArguments adds what is no flag.
func (in *input) addArguments(r *rand.Rand, v verb) {
	if r.IntN(8) > 0 {
		return
	}
	value, c := kinds[v.takes].value(r)
	switch r.IntN(4) {
	case 0:
		in.args = append(in.args, "--", value)
	case 1:
		in.args = slices.Insert(in.args, 1, value)
	default:
		in.args = append(in.args, value)
	}
	if c == bad && v.takes != "memory" { // of bad ones, cobra may count too many first
		in.codes = []int{usage}
	}
}

// addStdin draws what standard input is.
func (in *input) addStdin(r *rand.Rand) {
	if n := r.IntN(10); n < 4 {
		in.stdin = stdin(n)
	} else if in.has("-") || in.args[0] == "plugin" {
		in.stdin = stdin(r.IntN(int(silent) + 1))
	}
	if in.stdin == text {
		in.text = oneOf(r, []string{"", "protocol p\n", "method m\n  all\n", "put 0 0\n", "95 00 00 00 00 00 00 00\n", "\x00\xff\n"})
	}
}

// writes reports whether a flag names a file to write that may turn out not to be one.
func (in *input) writes() bool {
	for i, a := range in.args {
		name, value, joined := strings.Cut(a, "=")
		if !joined && i+1 < len(in.args) {
			value = in.args[i+1]
		}
		if (name == "--witness" || name == "--trace" || name == "--svg") && slices.Contains(kinds["file"].wild, value) {
			return true
		}
	}
	return false
}

// limitOf is the time that the last --duration or --budget of a command line sets, if all else ends
// at once. Engines run one after the other, so it counts twice.
func limitOf(args []string) time.Duration {
	limit := time.Duration(0)
	for i, a := range args {
		name, value, joined := strings.Cut(a, "=")
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		if name != "--duration" && name != "--budget" && name != "--safe-duration" {
			continue
		}
		d, err := time.ParseDuration(value)
		if err != nil || d > 2*time.Second {
			return 0
		}
		limit = max(limit, 2*d)
	}
	if slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, fifo) || a == "-" || strings.HasSuffix(a, "=-") }) {
		return 0
	}
	return limit
}

// form of the report that an argument asks for.
func (in *input) asks(form string) {
	in.form = form
	in.args = append(in.args, fmt.Sprint("--format=", form))
}
