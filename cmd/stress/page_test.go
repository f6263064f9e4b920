package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"tailpoke/stress"
	"tailpoke/stress/report"
	"tailpoke/stress/report/render"

	"github.com/spf13/cobra"
)

// TestStream: a document that grows is written once, whatever it grew by.
func TestStream(t *testing.T) {
	var out strings.Builder
	s := &stream{w: &out}
	whole := func(d *report.Document, write func(io.Writer, *report.Document, render.Page) error) string {
		var b strings.Builder
		if err := write(&b, d, render.Page{}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	grows := func(d *report.Document, write func(io.Writer, *report.Document, render.Page) error) {
		t.Helper()
		before := out.String()
		if err := s.grow(d, write); err != nil || out.String() == before || out.String() != whole(d, write) {
			t.Fatalf("%v\n%s\nwant\n%s", err, out.String(), whole(d, write))
		}
	}
	d := &report.Document{Subject: &report.Subject{Protocol: "kernel"}, Seed: "0x1"}
	grows(d, render.Rows)
	for _, e := range []stress.Engine{"model", "cpu"} {
		d.Verdicts = append(d.Verdicts, report.Verdict{Engine: e, Verdict: "skipped", Reason: "tired"})
		grows(d, render.Rows)
	}
	d.Conclude()
	grows(d, format(0).write)
	first, other := out.String(), &report.Document{Seed: "0x2"}
	if err := s.grow(other, format(0).write); err != nil || out.String() != first+whole(other, format(0).write) {
		t.Errorf("another document: %v, %q", err, out.String())
	}
}

// TestStatus: a line of a terminal never fills it, and is erased before another one and at the end.
func TestStatus(t *testing.T) {
	var out strings.Builder
	s := &status{w: &out, width: 8}
	s.clear()
	s.show("short")
	s.show("größer als alles")
	s.clear()
	s.clear()
	if want := eraseLine + "short" + eraseLine + "größer " + eraseLine; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	(*status)(nil).clear()
}

// TestChecked: the first error stays, whatever comes after it.
func TestChecked(t *testing.T) {
	full, other := errors.New("full"), error(nil)
	c := &checked{to: writer(func() error { return other })}
	c.Write(nil)
	other = full
	c.Write(nil)
	other = errors.New("later")
	c.Write(nil)
	if c.err != full {
		t.Errorf("%v, want %v", c.err, full)
	}
}

type writer func() error

func (w writer) Write(b []byte) (int, error) { return len(b), w() }

// TestSize: a number of bytes has a unit, or none.
func TestSize(t *testing.T) {
	for text, want := range map[string]uint64{
		"1M": 1 << 20, "2048K": 2 << 20, "4GiB": 4 << 30, "1T": 1 << 40, "1048576": 1 << 20, "3GB": 3 << 30,
		"": 0, "1K": 0, "0M": 0, "-1M": 0, "M": 0, "1X": 0, "99999999999T": 0, "1.5G": 0,
	} {
		var s size
		if err := s.Set(text); uint64(s) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v; want %d", text, s, err, want)
		}
	}
}

// TestCounting: a known number of things is told in lines where there is no terminal, each time that
// the interval has passed, and not at all to who wants quiet.
func TestCounting(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		var out strings.Builder
		cmd := &cobra.Command{}
		cmd.SetErr(&out)
		o := &output{quiet: quiet, progress: duration(time.Hour)}
		tell := o.told(cmd, "cases")
		tell(1, 4)
		o.progress = 0
		now := o.counting(cmd)
		now(2, 4, "two of four")
		if got, want := out.String(), map[bool]string{false: "two of four\n", true: ""}[quiet]; got != want {
			t.Errorf("quiet %v: %q, want %q", quiet, got, want)
		}
	}
}
