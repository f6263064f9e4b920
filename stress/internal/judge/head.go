package judge

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/workload"
)

// Head is the first line of a script or of a trace, a comment that says what it is of, by the names of
// the command's flags:
//
//	# protocol=lazy method=int3 grace=epoch layout=v5.10 threads=8 sites=2 programs=2 keys=1 seed=0x9
//
// A protocol or a method that no name stands for has its text there, quoted. [ReadHead] reads it.
func (j *Job) Head() string {
	s, from := &j.Subject, &j.Workload.Source
	var b strings.Builder
	b.WriteByte('#')
	say := func(name, value string) {
		if value == "" {
			return
		}
		if strings.ContainsAny(value, " \t\n\"") {
			value = strconv.Quote(value)
		}
		fmt.Fprintf(&b, " %s=%s", name, value)
	}
	say("protocol", named(s.Protocol, s.Protocol.Name, protocol.ProtocolByName))
	say("method", named(s.Method, s.Method.Name, protocol.MethodByName))
	say("grace", s.Grace.Name)
	say("layout", s.Layout)
	say("threads", strconv.Itoa(s.Shape.Threads))
	switch usual := &workload.Default().Source; {
	case from.Case != "":
		say("case", from.Case)
	case from.Object == nil:
		say("sites", strconv.Itoa(s.Shape.Sites))
		say("programs", strconv.Itoa(s.Shape.Programs))
		say("keys", strconv.Itoa(s.Shape.Keys))
	case !bytes.Equal(from.Object, usual.Object) || from.Entry != usual.Entry:
		say("object", from.Name)
		say("entry", from.Entry)
		say("type", from.Given.Type)
		say("map", from.Given.Maps)
		say("const", from.Given.Consts)
	}
	say("seed", fmt.Sprintf("%#x", j.Seed))
	return b.String() + "\n"
}

// named is the name of a value, or its text where the name stands for nothing, or for another one.
func named[T fmt.Stringer](v T, name string, byName func(string) (T, error)) string {
	if known, err := byName(name); err == nil && known.String() == v.String() {
		return name
	}
	return v.String()
}

// ReadHead reads the names and values of a text's [Job.Head], in their order. A first line that has
// anything else in it is a comment, or what the text is about, and gives none.
func ReadHead(text string) (values [][2]string) {
	line, _, _ := strings.Cut(text, "\n")
	rest, ok := strings.CutPrefix(line, "#")
	for rest = strings.TrimSpace(rest); ok && rest != ""; rest = strings.TrimSpace(rest) {
		name, value, there := strings.Cut(rest, "=")
		if !there || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' }) {
			return nil
		}
		if quoted, err := strconv.QuotedPrefix(value); err == nil && value[0] == '"' {
			rest = value[len(quoted):]
			value, _ = strconv.Unquote(quoted)
		} else {
			value, rest, _ = strings.Cut(value, " ")
		}
		values = append(values, [2]string{name, value})
	}
	return values
}
