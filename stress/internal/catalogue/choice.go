package catalogue

import (
	"fmt"
	"os"
	"strings"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/workload"
)

// Choice names a subject and its workload, as the subject flags of the command do. An
// empty field is the default's.
type Choice struct {
	Protocol string // name or file
	Method   string // name or file
	Grace    string
	Layout   string
	Threads  int

	// Object and Entry choose one's own program; Sites, Programs and Keys a generated
	// one. Without any, it is the default workload.
	Object, Entry         string
	Case                  string // a regression case's programs
	Sites, Programs, Keys int
}

// Resolve makes the subject and its workload.
func (c Choice) Resolve() (protocol.Subject, *workload.Workload, error) {
	s := protocol.DefaultSubject()
	if c.Threads != 0 {
		s.Shape.Threads = c.Threads
	}
	if c.Layout != "" {
		s.Layout = c.Layout
	}
	if _, err := jit.LayoutByName(s.Layout); err != nil {
		return s, nil, err
	}
	var err error
	if s.Protocol, err = byNameOrFile(c.Protocol, s.Protocol, protocol.ProtocolByName, protocol.ParseProtocol); err != nil {
		return s, nil, err
	}
	if s.Method, err = byNameOrFile(c.Method, s.Method, protocol.MethodByName, protocol.ParseMethod); err != nil {
		return s, nil, err
	}
	if c.Grace != "" {
		if s.Grace, err = protocol.GraceByName(c.Grace); err != nil {
			return s, nil, err
		}
	}
	w, err := c.workload(s)
	return s, w, err
}

// workload makes the workload; s holds the defaults of a generated one.
func (c Choice) workload(s protocol.Subject) (*workload.Workload, error) {
	shape := s.Shape
	generated := c.Sites != 0 || c.Programs != 0 || c.Keys != 0
	switch {
	case (c.Object != "" || c.Case != "") && generated:
		return nil, fmt.Errorf("--object and --case bring their own sites, programs and keys")
	case c.Object != "" && c.Case != "":
		return nil, fmt.Errorf("--object and --case are two workloads")
	case c.Case != "" && c.Entry != "":
		return nil, fmt.Errorf("--case brings its own --entry")
	case c.Case != "":
		return regress.Workload(c.Case)
	case c.Object != "":
		if c.Entry == "" {
			return nil, fmt.Errorf("--object needs --entry, the name of the program that threads execute")
		}
		return workload.LoadObject(c.Object, c.Entry)
	case c.Entry != "":
		return nil, fmt.Errorf("--entry needs --object")
	case !generated:
		return workload.Default(), nil
	}
	for _, f := range []struct{ given, field *int }{
		{&c.Sites, &shape.Sites}, {&c.Programs, &shape.Programs}, {&c.Keys, &shape.Keys},
	} {
		if *f.given != 0 {
			*f.field = *f.given
		}
	}
	if c.Sites == 0 {
		shape.Sites = shape.Keys
	}
	return workload.Generate(shape, s.Method.Aligned())
}

// maxTextFile bounds the file of a protocol, a method or a script, in bytes.
const maxTextFile = 1 << 20

// byNameOrFile resolves a value that names a built-in or else a file with its text. An
// error in a file names its line and column.
func byNameOrFile[T any](value string, none T, byName, parse func(string) (T, error)) (T, error) {
	if value == "" {
		return none, nil
	}
	builtin, nameErr := byName(value)
	if nameErr == nil {
		return builtin, nil
	}
	raw, err := workload.ReadRegular(value, maxTextFile)
	switch {
	case os.IsNotExist(err) && !strings.ContainsAny(value, "./"):
		return none, nameErr
	case err != nil:
		return none, err
	}
	v, err := parse(string(raw))
	if err != nil {
		return none, fmt.Errorf("%s:%w", value, err)
	}
	return v, nil
}

// Script reads a script from a file. An error in its text names line and column.
func Script(path string) (protocol.Script, error) {
	none := func(string) (protocol.Script, error) { return nil, fmt.Errorf("%s: no such file", path) }
	return byNameOrFile(path, nil, none, protocol.ParseScript)
}
