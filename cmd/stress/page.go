package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

// pageOf is what text is written on: a terminal in its width, in colour if NO_COLOR and TERM do not
// forbid it (https://no-color.org); or something of any width, in none. COLUMNS outweighs the width.
func pageOf(w io.Writer) (page render.Page) {
	if width, ok := terminal(w); ok {
		page.Width = width
		page.Colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		page.Width = n
	}
	return page
}

// terminal is the width of a terminal in characters, if w is one.
func terminal(w io.Writer) (width int, ok bool) {
	if c, is := w.(*checked); is {
		w = c.to
	}
	f, is := w.(*os.File)
	if !is {
		return 0, false
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Col), true
}

// stream writes a text while its document grows: what was written stays, and the rest comes later.
type stream struct {
	w       io.Writer
	page    render.Page
	written string
}

// grow writes what a document has beyond what was written.
func (s *stream) grow(d *report.Document, write func(io.Writer, *report.Document, render.Page) error) error {
	var b strings.Builder
	if err := write(&b, d, s.page); err != nil {
		return err
	}
	text := b.String()
	rest, ok := strings.CutPrefix(text, s.written)
	if !ok { // it is another document than the one that was begun
		rest = text
	}
	s.written = text
	_, err := io.WriteString(s.w, rest)
	return err
}

// status is a line of a terminal that is written again and again.
type status struct {
	w     io.Writer
	width int
	mu    sync.Mutex // rows come from another goroutine than progress
	shown bool
}

const eraseLine = "\r\x1b[K"

func (s *status) show(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := []rune(line); len(r) >= s.width && s.width > 1 {
		line = string(r[:s.width-1]) // a line that is full would begin another
	}
	io.WriteString(s.w, eraseLine+line)
	s.shown = true
}

// clear makes room for other lines. Where there is no terminal, there is nothing to clear.
func (s *status) clear() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		io.WriteString(s.w, eraseLine)
		s.shown = false
	}
}
