package protocol

import (
	"strconv"
	"strings"
)

// CallKind is the kind of a [Call].
type CallKind uint8

// The calls of a script.
const (
	Put    CallKind = iota // give key Key the program Prog: an install or an update
	Delete                 // empty key Key: a remove, or nothing where it is empty
	Load                   // load one more copy of the calling program
	Unload                 // unload the copy that was loaded last
)

var callNames = [...]string{Put: "put", Delete: "delete", Load: "load", Unload: "unload"}

// A Call is what a user of a prog array asks for.
type Call struct {
	Kind CallKind
	Key  int // Put, Delete
	Prog int // Put: index of the program
}

// String returns the call's line in the script grammar.
func (c Call) String() string {
	switch c.Kind {
	case Put:
		return "put " + strconv.Itoa(c.Key) + " " + strconv.Itoa(c.Prog)
	case Delete:
		return "delete " + strconv.Itoa(c.Key)
	default:
		return callNames[c.Kind]
	}
}

// A Script is a list of calls, carried out in order. As text it has one call a line:
//
//	put KEY PROGRAM
//	delete KEY
//	load
//	unload
type Script []Call

// String returns the script's text, which [ParseScript] reads back.
func (s Script) String() string {
	var b strings.Builder
	for _, c := range s {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

// maxIndex bounds a key or a program of a script.
const maxIndex = 1 << 16

// ParseScript reads a script. Errors are of type [*SyntaxError].
func ParseScript(text string) (Script, error) { return parse(text, (*parser).script) }

func (p *parser) script() Script {
	out := Script{}
	for p.peek().text != "" {
		line := p.peek().line
		c := Call{Kind: choose[CallKind](p, callNames[:])}
		if c.Kind == Put || c.Kind == Delete {
			c.Key = p.index(line, "a key")
		}
		if c.Kind == Put {
			c.Prog = p.index(line, "a program")
		}
		if n := p.peek(); n.text != "" && n.line == line {
			p.fail(n, "expected the end of the line, found %v", n)
		}
		out = append(out, c)
	}
	return out
}

func (p *parser) index(line int, what string) int {
	t := p.next()
	n, err := strconv.Atoi(t.text)
	if t.line != line || err != nil || n < 0 || n >= maxIndex {
		p.fail(t, "expected %s (0 to %d), found %v", what, maxIndex-1, t)
	}
	return n
}
