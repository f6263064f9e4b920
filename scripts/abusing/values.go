package main

import (
	"math/rand/v2"
	"strings"
)

// A kind of values that a flag or an argument takes. Good ones fit; wild ones are read, but may be
// refused, or take for ever; bad ones must be refused.
type kind struct{ good, wild, bad []string }

// nasty are names that nothing has.
var nasty = []string{
	"", " ", "no-such", "-x", "--", "--json", "..", ".", "/", "/dev", "/dev/null/x", "~", "%s%d%n", "$(id)", "'", "a,b",
	"\x1b[2J\x1b]0;t\x07", "\u009b2J", "\r", "a\nb", "\t", "\x7f", "\xff\xfe", "\u202egnp.exe", "\ufeff", "é", "日本語", "👩‍👩‍👧", "e\u0301\u0301",
	strings.Repeat("a", 300), strings.Repeat("n", 100_000), strings.Repeat("日", 3000), folder, "missing/x", "x.txt\x01",
}

// numbers are values of a flag that wants one from 1.
var numbers = kind{
	good: []string{"1", "2", "3"},
	wild: []string{"4", "8", "16", "17", "33", "64", "255", "65536", "1000000", "2147483647", "+1", "007"},
	bad: []string{
		"0", "-1", "-0", "", " 1", "1 ", "1e3", "0x1", "1_0", "1.5", "９", "x", "2147483648", "99999999999999999999",
		strings.Repeat("9", 5000), "\x1b[1m1", "1\n", "NaN",
	},
}

var kinds = map[string]kind{
	"number": numbers,
	"duration": {
		good: []string{"100ms", "0.2s", "150ms", "1e-1s"},
		wild: []string{"1ns", "1us", "7d", "1d12h", "53375d", "2562047h", "53375d1000000h"},
		bad: []string{
			"0", "0s", "-1s", "", "5", "fast", "1d-1h", "53376d", "53375d2562047h", "99999999999999999999d", "NaN", "1h1", "d", "+", "1s\x1b",
		},
	},
	"size": {
		good: []string{"512M", "1G", "1048576K", "4GiB"},
		wild: []string{"1M", "1048576", "8388607T", "17179869183G", "16777215T"},
		bad: []string{
			"0", "1K", "-1M", "5X", "", "M", "18446744073709551616", "1.5G", "99999999999T", "1 G", "１G", "17179869184G",
		},
	},
	"seed": {
		good: []string{"0", "1", "0x2a", "0X2A", "18446744073709551615", "0xffffffffffffffff"},
		bad:  []string{"", "-1", "0x", "0xg", "18446744073709551616", "0x10000000000000000", "1.0", "\u0661", "1e3"},
	},
	"format":   {good: []string{"text", "json", "ktap", "junit", "html"}, bad: append([]string{"xml", "JSON", "json,ktap"}, nasty...)},
	"verdict":  {good: []string{"holds", "violated"}, bad: append([]string{"proved", "HOLDS"}, nasty...)},
	"switch":   {good: []string{"true", "false", "1", "0", "T", "FALSE"}, bad: []string{"", "maybe", "2", "yes", "\x1b[2J", "тrue"}},
	"protocol": {good: []string{"kernel", "batched", "lazy", "p.txt"}, wild: []string{"-", fifo, secret}, bad: nastyBut()},
	"method":   {good: []string{"int3", "word", "m.txt"}, wild: []string{"-", fifo, secret}, bad: nastyBut()},
	"grace":    {good: []string{"epoch", "forget-one", "sleep"}, bad: nastyBut()},
	"layout":   {good: []string{"seed", "v5.10", "v6.12"}, bad: nastyBut()},
	"case":     {good: []string{"tailcall_1", "tailcall_2", "tailcall_bpf2bpf_2"}, bad: nastyBut()},
	"object":   {good: []string{"tailcalls.o", "hierarchy.o"}, wild: []string{fifo, secret, "-", "/dev/zero", "/dev/null"}, bad: nastyBut()},
	"entry":    {good: []string{"dispatch", "hierarchy"}, wild: nasty, bad: []string{""}},
	"script":   {good: []string{"calls.txt"}, wild: []string{"-", fifo, secret, "/dev/zero", "/dev/null"}, bad: nastyBut()},
	"engines":  {good: []string{"model", "machine", "model,machine"}, wild: []string{"machine,model,model"}, bad: append([]string{"abacus", "model,,cpu", "model,", ",", `"`, "MODEL"}, nastyBut()...)},
	"op":       {good: []string{"install", "update", "remove", "all"}, bad: nastyBut()},
	"steps":    {good: []string{"1", "2", "3"}, wild: []string{"4", "6", "7", "2147483647"}, bad: numbers.bad},
	"file":     {good: []string{"out.txt", "/dev/null"}, wild: []string{fifo, "/dev/full", "é", "\x1b[2J", strings.Repeat("a", 300)}, bad: []string{"", ".", "..", "/", folder, "missing/x", "/dev/null/x"}},
	"list":     {good: []string{"protocols", "methods", "graces", "layouts", "mutants", "cases", "engines", "properties"}, bad: nastyBut()},
	"mutant":   {good: []string{"no-grace"}, bad: nastyBut()},
	"witness":  {good: []string{"machine.json", "model.json"}, wild: []string{fifo, secret, "/dev/zero"}, bad: nastyBut()},
	"trace":    {good: []string{"trace.txt"}, wild: []string{"-", fifo, secret, "/dev/null", "/dev/zero"}, bad: nastyBut()},
	"memory":   {good: []string{"01 02 03 04", "00"}, wild: []string{"", " ", strings.Repeat("00 ", 40_000)}, bad: []string{"0", "xx", "0x", "日", "\x1b[2J", "00 0"}},
	"shell":    {good: []string{"bash", "zsh", "fish", "powershell"}, wild: nasty},
	"topic":    {good: []string{"run", "exit-codes", "completion"}, wild: nasty},
	"nothing":  {bad: nastyBut()},
}

// nastyBut are the nasty names as arguments of their own: those that cobra takes for flags or for
// the end of flags are none.
func nastyBut() []string {
	var out []string
	for _, n := range nasty {
		if !strings.HasPrefix(n, "-") {
			out = append(out, n)
		}
	}
	return out
}

// How a value was drawn.
type class int

const (
	good class = iota
	wild
	bad
)

// value draws a value of a kind: good ones more often, so that many inputs come further than the
// first flag.
func (k kind) value(r *rand.Rand) (string, class) {
	for {
		switch n := r.IntN(10); {
		case n < 6 && len(k.good) > 0:
			return oneOf(r, k.good), good
		case n < 8 && len(k.wild) > 0:
			return oneOf(r, k.wild), wild
		case n >= 8 && len(k.bad) > 0:
			return oneOf(r, k.bad), bad
		}
	}
}
