package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tailpoke/internal/soak"
	"tailpoke/internal/state"
	"tailpoke/stress"
	"tailpoke/stress/report"
)

const soakLong = `Examples:

  stress soak --duration 24h --state soak.state
  stress soak --duration 7d --protocol batched --progress 1m --stop-at-first
  stress soak --duration 24h --engine kernel --format ktap

soak asks the model engine once and then runs the cpu engine for a long time, the kernel engine, or
both in turn. It does so in rounds, each in a process of its own with a seed of its own. SIGINT or
SIGTERM ends it with its report; a second one kills.

With --state what was seen is kept in a folder. The same command goes on where the last one was, also
after kill -9, a reboot or a full disk: counts and findings add up, and --duration is that of all
together. What a line of progress says is on the disk. Each finding has a file there, which stress replay
takes; stress findings lists them.

A process that dies, says nothing for as long as --watchdog, or has more memory than --watchdog-memory is
a finding, with its stacks; the next round begins. The exit code is then 3, if nothing is violated.`

// soaking is the verb soak.
type soaking struct {
	judging
	state      string
	listen     string // for browsers
	until      until
	confidence confidence
	watchdog   duration
	most       size // memory of a round
}

func newSoak() *cobra.Command {
	s := &soaking{confidence: 0.95, watchdog: duration(soak.DefaultSilence)}
	cmd := &cobra.Command{Use: "soak", Short: "Run for a long time", Long: soakLong, Args: cobra.NoArgs, RunE: s.answer(s.soak)}
	f := cmd.Flags()
	s.protocolFlags(f)
	s.targetFlags(f)
	s.threadsFlag(f)
	s.cpuFlags(f, 24*time.Hour, longProgress)
	f.StringSliceVar(&s.engines, "engine", []string{"model", "cpu"}, "engines to ask: cpu and kernel run for the whole duration, round by round")
	f.StringVar(&s.state, "state", "", "folder to keep what was seen in, and to go on from")
	f.StringVar(&s.listen, "serve", "", "address to show the state at while it grows, such as localhost:8060: as stress serve does")
	f.Var(&s.until, "until", "what ends the soak before its duration is over, for each engine: cycles>=N, executions>=N, seconds>=N, rate<=R; all of them, with commas")
	f.Var(&s.confidence, "confidence", "level of the bound on how often a violation could happen")
	f.Var(&s.watchdog, "watchdog", "how long an engine may say nothing before it is ended, its stacks are kept, and another round begins")
	f.Var(&s.most, "watchdog-memory", "memory of a round's process from which on it is ended likewise, such as 512M or 4G (default 2G)")
	f.Lookup("watchdog-memory").DefValue = ""
	s.expectFlag(f)
	s.seedFlag(f)
	s.flags(f)
	return cmd
}

func (s *soaking) soak(cmd *cobra.Command, args []string) (*report.Document, error) {
	for _, e := range s.engines {
		if e == "cpu" || e == "kernel" { // without its answer a long run was for nothing
			s.required = append(s.required, e)
		}
	}
	r, err := s.resolve(cmd, args)
	if err != nil {
		return nil, err
	}
	o := r.Options
	o.Every, o.Progress, o.Until = time.Duration(s.progress), nil, s.until.Until
	o.Silence, o.Memory = time.Duration(s.watchdog), uint64(s.most)
	if err := s.open(cmd, &o); err != nil {
		return nil, err
	}
	if o.State != nil {
		defer o.State.Close()
	}
	o.Run = state.Run{
		Began: state.Stamp(time.Now()), Tool: tool(), Machine: stress.Machine(), Guest: guestOf(cmd), MinCycles: uint64(s.minCycles),
		Confidence: float64(s.confidence), Until: s.until.String(),
	}
	o.Note = func(text string) { fmt.Fprintln(s.notes(cmd), text) }
	if !s.quiet {
		o.Tick = s.progressOf(cmd)
	}
	end, err := s.show(cmd)
	if err != nil {
		return nil, err
	}
	d, err := soak.Soak(cmd.Context(), o)
	if err = errors.Join(err, end()); err != nil {
		return d, failed(err)
	}
	d.Required = r.required
	if err := missing(d); err != nil {
		return d, err
	}
	return d, oddly(d)
}

// show has the state shown while the soak goes on, if --serve says where; end ends that.
func (s *soaking) show(cmd *cobra.Command) (end func() error, err error) {
	if s.listen == "" {
		return func() error { return nil }, nil
	}
	if s.state == "" {
		return nil, usagef("--serve shows a state: give --state DIR")
	}
	l, err := listen(cmd, s.listen, s.state)
	if err != nil {
		return nil, usage(fmt.Errorf("--serve: %w", err))
	}
	fmt.Fprintf(s.notes(cmd), "http://%s/\n", l.Addr())
	ctx, stop := context.WithCancel(cmd.Context())
	done := make(chan error, 1)
	go func() { done <- serverOf(s.state).Serve(ctx, l) }()
	return func() error {
		stop()
		return <-done
	}, nil
}

// oddly is the exit of a soak in which rounds ended as none should, whatever the others say; or nil.
func oddly(d *report.Document) error {
	odd := map[report.FindingKind]int{}
	for _, f := range d.Findings {
		switch f.Kind {
		case report.OfCrash, report.OfHang, report.OfMemory:
			odd[f.Kind] += f.Count
		}
	}
	if len(odd) == 0 || d.Verdict == report.Violated {
		return nil
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(odd)) {
		all = append(all, fmt.Sprintf("%s: %d", k, odd[k]))
	}
	return failed(fmt.Errorf("rounds ended as none should: %s; their findings are above", strings.Join(all, ", ")))
}

// open finds out what is soaked, and opens the folder of the state, if there is one.
func (s *soaking) open(cmd *cobra.Command, o *soak.Options) (err error) {
	about, text, err := stress.Options{}.Text(o.Subject, o.Workload)
	if err != nil {
		return failed(err)
	}
	given := cmd.Flags().Changed("seed")
	fresh := func() state.Head {
		o.Seed = s.drawSeed(cmd)
		return state.Head{
			Schema: state.Schema, Subject: about, Engines: asked(o.Options), Seed: s.drawn, Job: text,
			Again: reproduce(cmd, nil, s.drawn),
		}
	}
	if s.state == "" {
		o.Head = fresh()
		return nil
	}
	o.State, err = state.Open(s.state, fresh, func(h *state.Head) error {
		if given && s.seed.String() != h.Seed {
			return fmt.Errorf("--seed %s: %s was begun with %s", &s.seed, s.state, h.Seed)
		}
		if err := s.seed.Set(h.Seed); err != nil {
			return fmt.Errorf("%s: seed: %w", s.state, err)
		}
		o.Seed, s.drawn, o.Head = uint64(s.seed), h.Seed, *h
		return h.Same(asked(o.Options), text)
	})
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return failed(err)
	}
	if err != nil {
		return usage(fmt.Errorf("--state: %w", err))
	}
	return nil
}
