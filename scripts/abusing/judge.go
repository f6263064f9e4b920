package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// documented are the codes of "stress exit-codes".
var documented = []int{
	holds, violated, usage, failed, missing, noVerdict,
	signalled + int(syscall.SIGHUP), signalled + int(syscall.SIGINT), signalled + int(syscall.SIGTERM),
}

// startup is how long a process may take until it catches signals, on a busy machine.
const startup = time.Second

// fault is what Go prints where a program is wrong, and what the command prints of itself.
var fault = regexp.MustCompile(`(?m)^panic: |^goroutine \d+ \[|fatal error: |internal fault|^SIG[A-Z]+: |runtime error: `)

// judge says what is wrong with an outcome; nothing, if all is as documented.
func judge(in *input, o *outcome) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if o.late {
		say("it went on for %.0f s past its limit or a signal", in.slack.Seconds())
	}
	if o.left {
		say("a process of it went on when it had ended")
	}
	if said := fault.FindString(o.stderr + "\n" + o.stdout); said != "" {
		say("it says %q", said)
	}
	if what := control(o.stdout); what != "" {
		say("standard output has %s", what)
	}
	if what := control(o.stderr); what != "" {
		say("standard error has %s", what)
	}
	if o.late {
		return wrong
	}
	code := o.code
	if o.killed != 0 {
		early := o.stdout+o.stderr == "" && o.took < startup+in.firstSignal()
		if o.stopped == 0 || !early && o.stopped < 2 {
			say("killed by %v", o.killed)
		}
		return wrong
	}
	allowed := in.codes
	if o.interrupted && (in.waits() || !slices.Equal(in.codes, []int{usage})) {
		allowed = append(slices.Clone(allowed), signalled+int(syscall.SIGINT))
	}
	switch {
	case !slices.Contains(documented, code):
		say("exit code %d is not documented", code)
	case !slices.Contains(allowed, code):
		say("exit code %d, want one of %v", code, allowed)
	}
	return append(wrong, judgeReport(in, o)...)
}

func (in *input) firstSignal() time.Duration {
	if len(in.signals) > 0 {
		return in.signals[0].after
	}
	return in.patient
}

// judgeReport says what is wrong with what was printed, for the code that it came with.
func judgeReport(in *input, o *outcome) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	shown := in.output == ""
	heard := !strings.Contains(in.output, "2>&-")
	if n := strings.Count("\n"+o.stderr, "\nstress: "); heard && slices.Contains([]int{usage, failed, missing}, o.code) {
		last := o.stderr[strings.LastIndex(strings.TrimSuffix(o.stderr, "\n"), "\n")+1:]
		if n != 1 || !strings.HasPrefix(last, "stress: ") || !strings.HasSuffix(last, "\n") {
			say("exit code %d with %d lines that say why, the last one %.80q", o.code, n, last)
		}
	}
	switch o.code {
	case usage:
		if o.stdout != "" {
			say("exit code 2 with something on standard output: %.80q", o.stdout)
		}
	case holds, violated, noVerdict:
		silent := o.code == violated && in.args[0] == "plugin" // an execution that went wrong has no r0
		if o.stdout == "" && shown && !silent && in.form != "unsure" {
			say("exit code %d without a report", o.code)
		}
	default:
		begun := strings.Contains("\n"+o.stderr, "\nseed ")
		if o.code > signalled && in.reports && begun && !whole(in.form, o.stdout) {
			say("exit code %d without the whole report of what was seen until then: %.300q", o.code, o.stdout)
		}
	}
	if o.stdout != "" && shown && !o.cut {
		if err := parses(in.form, o.stdout); err != nil {
			say("its report is no %s: %v", in.form, err)
		}
	}
	return wrong
}

// conclusion is the last line of a text in which engines are asked.
var conclusion = regexp.MustCompile(`\n(holds|violated|none|engines disagree)[^\n]*\n$`)

// whole reports whether a report has its end. Forms for machines are read whole in any case.
func whole(form, text string) bool {
	if form != "" && form != "text" {
		return text != ""
	}
	return conclusion.MatchString(text)
}

// parses reads a report whole in the form that was asked for.
func parses(form, text string) error {
	switch form {
	case "json":
		d := json.NewDecoder(strings.NewReader(text))
		var object struct{ Schema string }
		if err := d.Decode(&object); err != nil {
			return err
		}
		if _, err := d.Token(); err != io.EOF {
			return fmt.Errorf("there is more than one object")
		}
		if object.Schema == "" {
			return fmt.Errorf("it has no schema")
		}
	case "junit":
		d := xml.NewDecoder(strings.NewReader(text))
		for {
			if _, err := d.Token(); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
	case "ktap":
		if !strings.HasPrefix(text, "KTAP version 1\n") {
			return fmt.Errorf("it begins with %.20q", text)
		}
	case "html":
		if !strings.HasSuffix(strings.TrimSpace(text), "</html>") {
			return fmt.Errorf("it ends with %.20q", text[max(0, len(text)-20):])
		}
	}
	return nil
}

// control names the first character of a text that moves a cursor, or turns the direction of what
// follows; or a byte that is no character.
func control(text string) string {
	for i, c := range text {
		switch {
		case c == '\n' || c == '\t':
		case c < ' ', c >= 0x7f && c < 0xa0, c >= 0x202a && c <= 0x202e, c >= 0x2066 && c <= 0x2069:
			return fmt.Sprintf("the character %U: %q", c, around(text, i))
		case c == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(text[i:]); n == 1 {
				return fmt.Sprintf("the byte %#x: %q", text[i], around(text, i))
			}
		}
	}
	return ""
}

func around(text string, i int) string { return text[max(0, i-30):min(len(text), i+30)] }
