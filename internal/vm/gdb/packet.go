package gdb

import (
	"bufio"
	"fmt"
	"io"
)

// Bounds of what a stub may answer, in bytes, and of what an error keeps of it.
const (
	maxPacket = 64 << 10
	maxWords  = 120
)

// StubError says that a stub answered what it may not.
type StubError struct {
	Asked    string // what it was asked, or "" where it said something by itself
	Answered string
}

// Error has the stub's words.
func (e *StubError) Error() string {
	asked := "unasked"
	if e.Asked != "" {
		asked = fmt.Sprintf("to %.*q", maxWords, e.Asked)
	}
	return fmt.Sprintf("QEMU's gdb stub answered nonsense %s: %.*q", asked, maxWords, e.Answered)
}

// writePacket writes one packet. None of ours has a byte that must be escaped.
func writePacket(w io.Writer, text string) error {
	_, err := fmt.Fprintf(w, "$%s#%02x", text, sum([]byte(text)))
	return err
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}

// readPacket reads one packet, past the acknowledgements before it.
func readPacket(r *bufio.Reader) (string, error) {
	c := byte('+')
	for c == '+' {
		var err error
		if c, err = r.ReadByte(); err != nil {
			return "", err
		}
	}
	if c != '$' {
		return "", &StubError{Answered: rest(r, c)}
	}
	var body []byte
	for {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		if c == '#' {
			break
		}
		if body = append(body, c); len(body) > maxPacket {
			return "", &StubError{Answered: string(body[:maxWords])}
		}
	}
	var check [2]byte
	if _, err := io.ReadFull(r, check[:]); err != nil {
		return "", err
	}
	if want := fmt.Sprintf("%02x", sum(body)); string(check[:]) != want {
		return "", &StubError{Answered: "$" + string(body) + "#" + string(check[:])}
	}
	return unescape(body), nil
}

// rest is what stands at hand of something that is no packet.
func rest(r *bufio.Reader, first byte) string {
	more, _ := r.Peek(min(r.Buffered(), maxWords))
	return string(first) + string(more)
}

// unescape takes back what binary answers write in the place of the protocol's own bytes.
func unescape(b []byte) string {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '}' && i+1 < len(b) {
			i++
			out = append(out, b[i]^0x20)
			continue
		}
		out = append(out, b[i])
	}
	return string(out)
}
