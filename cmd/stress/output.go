package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tailpoke/internal/vm"
	"tailpoke/stress"
	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

// output is what all verbs share: the form of the result, and what is said while it is made.
type output struct {
	format   format
	json     bool // --json was given
	quiet    bool
	html     string   // file for a page
	seed     seed     // of verbs with seedFlag
	drawn    string   // the seed, once a verb has asked for it
	again    string   // the command line that does the same again, where that is not this one
	progress duration // of verbs with progressFlag
	expect   verdict  // of verbs with expectFlag
	stream   *stream  // once something is written
	status   *status  // of progress on a terminal
}

// flags adds the flags of every verb.
func (o *output) flags(f *pflag.FlagSet) {
	f.Var(&o.format, "format", "form of the result: "+strings.Join(formatNames(), ", "))
	f.BoolVar(&o.json, "json", false, "print one JSON object: --format json")
	f.StringVar(&o.html, "html", "", "file to write the result to as a page as well, which needs no other file")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print the result and errors alone")
}

// seedFlag adds the flag of verbs in which chance is involved.
func (o *output) seedFlag(f *pflag.FlagSet) {
	f.Var(&o.seed, "seed", "seed of every random choice, decimal or 0x hexadecimal (default random)")
	f.Lookup("seed").DefValue = "" // it has none of its own on the command line
}

// drawSeed returns the seed that was given, or a random one, and says which.
func (o *output) drawSeed(cmd *cobra.Command) uint64 {
	if !cmd.Flags().Changed("seed") {
		o.seed = seed(rand.Uint64())
	}
	o.drawn = o.seed.String()
	fmt.Fprintf(o.notes(cmd), "seed %s\n", o.drawn)
	return uint64(o.seed)
}

// How often progress is printed: verbs that end soon, and verbs that do not.
const (
	shortProgress = 2 * time.Second
	longProgress  = 10 * time.Second
)

func (o *output) progressFlag(f *pflag.FlagSet, every time.Duration) {
	o.progress = duration(every)
	f.Var(&o.progress, "progress", "time between lines of progress")
}

func (o *output) expectFlag(f *pflag.FlagSet) {
	o.expect = verdict(report.Holds)
	f.Var(&o.expect, "expect", "verdict that exits with 0: holds or violated")
}

// notes is where remarks go.
func (o *output) notes(cmd *cobra.Command) io.Writer {
	if o.quiet {
		return io.Discard
	}
	return cmd.ErrOrStderr()
}

// finder does a verb's work. Where it makes a document, that is printed, whatever the error is.
type finder func(cmd *cobra.Command, args []string) (*report.Document, error)

// answer makes the RunE of a verb: it has the work done, prints the document, and exits with what
// that says, unless there was an error. What a signal ended is printed as far as it came.
func (o *output) answer(find finder) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		start := time.Now()
		if err := o.check(cmd); err != nil {
			return usage(err)
		}
		page, err := openLater(o.html)
		if err != nil {
			return usage(fmt.Errorf("--html: %w", err))
		}
		defer page.close()
		d, err := find(cmd, args)
		o.status.clear()
		stopped := interrupted(cmd.Context())
		if d == nil && err != nil && stopped != nil {
			return stopped
		}
		silent := d == nil && err != nil // nothing is printed but the error
		if silent {
			if d = o.failure(cmd, err); d == nil {
				return err
			}
			silent = !o.format.to().Failures
		}
		o.stamp(cmd, args, d)
		d.Seconds = time.Since(start).Seconds()
		bad := o.writePage(page, d)
		if !silent {
			bad = errors.Join(o.out(cmd).grow(d, o.format.write), bad)
		}
		if bad != nil {
			return failed(errors.Join(err, bad))
		}
		switch {
		case stopped != nil:
			return stopped
		case err != nil:
			return err
		}
		return exitOf(d)
	}
}

// writePage writes the document as a page, if --html names a file.
func (o *output) writePage(page *later, d *report.Document) error {
	if page == nil {
		return nil
	}
	var b bytes.Buffer
	if err := htmlForm().write(&b, d, render.Page{}); err != nil {
		return err
	}
	return page.write(b.Bytes())
}

// out is where the document goes.
func (o *output) out(cmd *cobra.Command) *stream {
	if o.stream == nil {
		w := cmd.OutOrStdout()
		o.stream = &stream{w: w, page: pageOf(w)}
	}
	return o.stream
}

// rows returns what shows the row of each engine when it has ended, if people read along.
func (o *output) rows(cmd *cobra.Command, about *report.Subject) func(report.Verdict) {
	if o.format.String() != "text" {
		return nil
	}
	d := &report.Document{Subject: about, Seed: o.drawn, Guest: guestOf(cmd)}
	show := func() {
		o.status.clear()
		if err := o.out(cmd).grow(d, render.Rows); err != nil {
			return // the whole document meets the same error, and is looked at
		}
	}
	show()
	return func(v report.Verdict) {
		d.Verdicts = append(d.Verdicts, v)
		show()
	}
}

// check refuses flags that say nothing, as "$UNSET" in a script does, or two things at once.
func (o *output) check(cmd *cobra.Command) (err error) {
	f := cmd.Flags()
	f.Visit(func(f *pflag.Flag) {
		if v := f.Value.String(); v == "" || v == "[]" {
			err = fmt.Errorf("--%s: its value is empty", f.Name)
		}
	})
	if err != nil || !o.json {
		return err
	}
	if f.Changed("format") && o.format.String() != "json" {
		return fmt.Errorf("--json and --format %s are two forms", &o.format)
	}
	return o.format.Set("json")
}

// failure is the document that says that there is none, where the form's readers wait for one.
func (o *output) failure(cmd *cobra.Command, err error) *report.Document {
	if e, ok := errors.AsType[*exit](err); !ok || e.code != codeFailed || !o.format.to().Failures && o.html == "" {
		return nil
	}
	return &report.Document{Schema: "stress/" + cmd.Name(), Error: err.Error()}
}

// guestOf is the guest in which a verb runs, or whose kernel it steers, or nil.
func guestOf(cmd *cobra.Command) *report.Guest {
	if how := vm.How(cmd.Context()); how != nil {
		return &how.Guest
	}
	return nil
}

// stamp says in a document what made it, and how to make it again.
func (o *output) stamp(cmd *cobra.Command, args []string, d *report.Document) {
	d.Tool, d.Machine, d.Expect = tool(), stress.Machine(), report.Overall(o.expect)
	d.Seed = cmp.Or(o.drawn, d.Seed)
	d.Again = cmp.Or(o.again, reproduce(cmd, args, d.Seed))
	d.Guest = cmp.Or(d.Guest, guestOf(cmd))
	d.Summary = render.Summary(d)
}

// A meter lets lines through each time that its interval has passed.
type meter struct {
	every time.Duration
	last  time.Time
}

// counting returns what shows how much of a known number of things is done: on a terminal as a bar,
// elsewhere in lines, each time that the interval has passed.
func (o *output) counting(cmd *cobra.Command) func(done, all int, line string) {
	w := o.notes(cmd)
	m := &meter{time.Duration(o.progress), time.Now()}
	if width, ok := terminal(w); ok {
		o.status = &status{w: w, width: width}
	}
	start := time.Now()
	return func(done, all int, line string) {
		switch {
		case o.status != nil:
			o.status.show(render.Part(done, all, time.Since(start)) + line)
		case m.due():
			fmt.Fprintln(w, line)
		}
	}
}

// told is counting of things that have no lines of their own.
func (o *output) told(cmd *cobra.Command, things string) func(done, all int) {
	tell := o.counting(cmd)
	return func(done, all int) { tell(done, all, fmt.Sprintf("%d of %d %s", done, all, things)) }
}

func (m *meter) due() bool {
	if time.Since(m.last) < m.every {
		return false
	}
	m.last = time.Now()
	return true
}

// progressOf returns what shows how far an engine is: on a terminal in one line that is written anew
// each second, elsewhere in a line each time that the interval has passed. One goroutine at a time
// calls it, about once a second.
func (o *output) progressOf(cmd *cobra.Command) func(report.Progress) {
	w, every := cmd.ErrOrStderr(), time.Duration(o.progress)
	if width, ok := terminal(w); ok {
		o.status = &status{w: w, width: width}
		every = time.Second
	}
	var last report.Progress
	return func(now report.Progress) {
		if now.Engine != last.Engine {
			last = report.Progress{Engine: now.Engine}
		}
		// A call may come a little early, and the next one is a second away.
		const early = 0.1
		span := now.Seconds - last.Seconds
		if span < every.Seconds()-early {
			return
		}
		done, before := now.Executions+now.States, last.Executions+last.States
		if done < before { // an exploration that began anew, with more
			before = 0
		}
		line := render.ProgressLine(now, float64(done-before)/span)
		if o.status != nil {
			o.status.show(render.Left(now) + line)
		} else {
			fmt.Fprintln(w, line)
		}
		last = now
	}
}
