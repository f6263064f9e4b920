package protocol

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A SyntaxError is a fault in a text, with its place. Lines and columns count from
// 1; a column is one byte.
type SyntaxError struct {
	Line, Col int
	Msg       string
}

// Error returns "line:col: message".
func (e *SyntaxError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Msg) }

// maxText bounds a text, in bytes: room for long scripts of a generator.
const maxText = 1 << 20

type token struct {
	text      string // "" at the end of the text
	line, col int
}

func (t token) String() string {
	if t.text == "" {
		return "the end of the text"
	}
	return fmt.Sprintf("%q", t.text)
}

func (t token) errorf(format string, args ...any) error {
	return &SyntaxError{t.line, t.col, fmt.Sprintf(format, args...)}
}

// lex splits a text, whose first line has a number, into words and the signs = ; : , { }. A # starts a
// comment that runs to the end of its line. The last token is the end of the text.
func lex(text string, line int) ([]token, error) {
	if len(text) > maxText {
		return nil, token{line: line, col: 1}.errorf("text of %d bytes is longer than %d", len(text), maxText)
	}
	var out []token
	start := 0 // offset of the line's first byte
	for i := 0; i < len(text); {
		at := token{line: line, col: i - start + 1}
		switch c := text[i]; {
		case c == '\n':
			i++
			line, start = line+1, i
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case strings.IndexByte(signs, c) >= 0:
			at.text = text[i : i+1]
			out = append(out, at)
			i++
		case isWord(c):
			j := i
			for j < len(text) && isWord(text[j]) {
				j++
			}
			at.text = text[i:j]
			out = append(out, at)
			i = j
		default:
			return nil, at.errorf("unexpected %s", odd(text[i:]))
		}
	}
	return append(out, token{line: line, col: len(text) - start + 1}), nil
}

// odd names what a text begins with that no word has.
func odd(text string) string {
	switch c, size := utf8.DecodeRuneInString(text); {
	case c == '\ufeff':
		return "byte order mark (BOM): save the text as UTF-8 without one"
	case c == utf8.RuneError && size == 1:
		return fmt.Sprintf("byte %#02x, which is no UTF-8", text[0])
	default:
		return fmt.Sprintf("character %q", c)
	}
}

// signs are the characters that are a token each.
const signs = "=;:,{}"

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '_' || c == '.'
}
