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
func ParseScript(text string) (Script, error) {
	ps, err := newParser(text)
	if err != nil {
		return nil, err
	}
	out := Script{}
	for ps.peek().text != "" {
		t := ps.next()
		kind, ok := byWord[CallKind](callNames[:], t.text)
		if !ok {
			return nil, t.errorf("expected %s, found %v", orList(callNames[:]), t)
		}
		c := Call{Kind: kind}
		if kind == Put || kind == Delete {
			c.Key, err = ps.index(t.line, "a key")
		}
		if kind == Put && err == nil {
			c.Prog, err = ps.index(t.line, "a program")
		}
		if err != nil {
			return nil, err
		}
		if n := ps.peek(); n.text != "" && n.line == t.line {
			return nil, n.errorf("expected the end of the line, found %v", n)
		}
		out = append(out, c)
	}
	return out, nil
}

func (p *parser) index(line int, what string) (int, error) {
	t := p.peek()
	n, err := strconv.Atoi(t.text)
	if t.line != line || err != nil || n < 0 || n >= maxIndex {
		return 0, t.errorf("expected %s (0 to %d), found %v", what, maxIndex-1, t)
	}
	p.next()
	return n, nil
}
