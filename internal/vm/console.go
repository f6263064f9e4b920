package vm

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"time"
)

// faults are what a kernel says when it goes wrong, by the word for it.
var faults = []struct {
	kind string
	says *regexp.Regexp
}{
	{"stall", regexp.MustCompile(`rcu.*(detected stall|self-detected stall|detected expedited stall)|soft lockup|hard LOCKUP`)},
	{"hang", regexp.MustCompile(`INFO: task .* blocked for more than`)},
	{"crash", regexp.MustCompile(`kernel BUG at |BUG: |Oops|general protection fault[:,]|invalid opcode: 0000|int3: 0000|stack segment: 0000|double fault:`)},
	{"panic", regexp.MustCompile(`Kernel panic - not syncing`)},
}

// faultOf is the word for the fault that a line of the console tells of, or "".
func faultOf(line string) string {
	for _, f := range faults {
		if f.says.MatchString(line) {
			return f.kind
		}
	}
	return ""
}

// Bounds of what is kept of a console.
const (
	lastLines  = 20  // before a fault
	faultLines = 80  // from it on
	lineLength = 240 // characters of a line
	partialMax = 4096
)

// console keeps the last of what a kernel says, and, from a fault on, the beginning of that.
type console struct {
	mu      sync.Mutex
	partial []byte
	last    []string
	kind    string   // of the first fault, or ""
	first   string   // the line that tells of it
	log     []string // from that line on
	since   time.Time
}

// Write takes what the console says.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.partial = append(c.partial, b...)
	for {
		line, rest, whole := bytes.Cut(c.partial, []byte("\n"))
		if !whole {
			c.partial = c.partial[:min(len(c.partial), partialMax)]
			return len(b), nil
		}
		c.line(plain(string(line)))
		c.partial = append(c.partial[:0:0], rest...)
	}
}

func (c *console) line(text string) {
	if text == "" {
		return
	}
	if kind := faultOf(text); kind != "" && c.kind == "" {
		c.kind, c.first, c.since = kind, untimed(text), time.Now()
	}
	switch {
	case c.kind == "":
		c.last = append(c.last, text)
		c.last = c.last[max(0, len(c.last)-lastLines):]
	case len(c.log) < faultLines:
		c.log = append(c.log, text)
	}
}

// fault is the first fault, its line and what came after it, or "".
func (c *console) fault() (kind, line string, log []string, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kind, c.first, c.log, c.since
}

// tail is the last of what was said before a fault, the unfinished line too.
func (c *console) tail() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := append([]string{}, c.last...)
	if rest := plain(string(c.partial)); rest != "" {
		out = append(out, rest)
	}
	return append(out, c.log...)
}

var (
	escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\x1bc`)
	stamp   = regexp.MustCompile(`^\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? *`)
)

// plain is a line without what moves a cursor: a console is not to be trusted.
func plain(line string) string {
	line = escapes.ReplaceAllString(line, "")
	line = strings.Map(func(r rune) rune {
		if r == '\t' || r >= ' ' && r != 0x7f && r != '\uFFFD' {
			return r
		}
		return -1
	}, line)
	if len(line) > lineLength {
		line = strings.ToValidUTF8(line[:lineLength], "")
	}
	return strings.TrimRight(line, " \t")
}

// untimed is a line without the time at its beginning.
func untimed(line string) string { return stamp.ReplaceAllString(line, "") }
