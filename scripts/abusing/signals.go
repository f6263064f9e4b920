package main

import (
	"math/rand/v2"
	"slices"
	"syscall"
	"time"
)

// lengthy are command lines that go on for long, and whether a signal must leave a report.
var lengthy = []struct {
	args    []string
	stdin   stdin
	reports bool
}{
	{[]string{"run", "--engine", "cpu", "--duration", "1h", "--threads", "2"}, empty, true},
	{[]string{"run", "--engine", "kernel", "--duration", "1h"}, empty, true},
	{[]string{"run", "--engine", "machine", "--sites", "4", "--keys", "4"}, empty, true},
	{[]string{"run", "--duration", "1h", "--threads", "4"}, empty, true},
	{[]string{"soak", "--sites", "1", "--threads", "2"}, empty, true},
	{[]string{"model", "--sites", "8", "--keys", "4", "--programs", "6"}, empty, true},
	{[]string{"search", "--steps", "6", "--op", "all"}, empty, false},
	{[]string{"mutants"}, empty, false},
	{[]string{"regression"}, empty, false},
	{[]string{"identity", "--random", "100000"}, empty, false},
	{[]string{"conform", fifo}, empty, false},
	{[]string{"conform", "-"}, silent, false},
	{[]string{"model", "--protocol", fifo}, empty, false},
	{[]string{"model", "--protocol", "-"}, silent, false},
	{[]string{"run", "--method", fifo}, empty, false},
	{[]string{"run", "--script", "-"}, silent, false},
	{[]string{"run", "--script", fifo}, empty, false},
	{[]string{"replay", fifo}, empty, false},
	{[]string{"disasm", "--object", fifo, "--entry", "main"}, empty, false},
	{[]string{"identity", "--object", fifo}, empty, false},
	{[]string{"plugin"}, silent, false},
	{[]string{"plugin", "--interp"}, silent, false},
	{[]string{"run", "--engine", "cpu", "--duration", "1h", "--trace", fifo}, empty, false},
	{[]string{"model", "--grace", "sleep", "--witness", fifo}, empty, false},
	{[]string{"replay", "machine.json", "--svg", fifo}, empty, false},
}

// drawSignal sends signals to what goes on for long.
func drawSignal(r *rand.Rand, in *input) {
	l := oneOf(r, lengthy)
	in.kind = "signals to " + l.args[0]
	in.args, in.stdin, in.reports = slices.Clone(l.args), l.stdin, l.reports
	first := oneOf(r, []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP})
	in.signals = []sent{{after: upTo(r, 1500*time.Millisecond), signal: first, group: r.IntN(2) == 0}}
	if r.IntN(3) == 0 {
		in.signals = append(in.signals, sent{after: upTo(r, 300*time.Millisecond), signal: first, group: r.IntN(2) == 0})
	}
	in.codes = append(answers[:len(answers):len(answers)], signalled+int(first))
	if form := oneOf(r, []string{"", "json", "junit", "ktap"}); form != "" {
		in.asks(form)
	}
}
