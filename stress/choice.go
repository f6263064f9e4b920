package stress

import (
	"fmt"
	"io"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/catalogue"
	"tailpoke/stress/internal/regress"
	"tailpoke/stress/internal/workload"
)

// Choice names a subject and its workload, as the subject flags of the command do. An
// empty field is the default's.
type Choice struct {
	Protocol string // name or file, or "-" for Stdin
	Method   string // likewise
	Grace    string
	Layout   string
	Threads  int

	// Object and Entry choose one's own program; Sites, Programs and Keys a generated
	// one. Without any, it is the default workload.
	Object, Entry         string
	Type                  string // of the object's programs whose sections name none
	Maps, Consts          string // NAME:FIELD=VALUE of its maps, NAME=NUMBER of its variables, with commas between them
	Case                  string // a regression case's programs
	Sites, Programs, Keys int

	Stdin io.Reader // what "-" reads; nil: it is the name of a file
}

// Settle returns the choice with what the running kernel emits in the place of its layout, where that
// is "running", so that it means the same on other machines. The error is [errors.ErrUnsupported]
// where that cannot be found out.
func (c Choice) Settle() (Choice, error) {
	var err error
	c.Layout, err = catalogue.Layout(c.Layout)
	return c, err
}

// Resolve makes the subject and its workload.
func (c Choice) Resolve() (protocol.Subject, *Workload, error) {
	s := protocol.DefaultSubject()
	if c.Threads != 0 {
		s.Shape.Threads = c.Threads
	}
	var err error
	if s.Layout, err = catalogue.Layout(c.Layout); err != nil {
		return s, nil, err
	}
	if s.Protocol, err = catalogue.Protocol(c.Protocol, c.Stdin); err != nil {
		return s, nil, err
	}
	if s.Method, err = catalogue.Method(c.Method, c.Stdin); err != nil {
		return s, nil, err
	}
	if s.Grace, err = catalogue.Grace(c.Grace); err != nil {
		return s, nil, err
	}
	w, err := c.workload(s)
	return s, w, err
}

// workload makes the workload; s holds the defaults of a generated one.
func (c Choice) workload(s protocol.Subject) (*Workload, error) {
	shape := s.Shape
	given := workload.Given{Type: c.Type, Maps: c.Maps, Consts: c.Consts}
	generated := c.Sites != 0 || c.Programs != 0 || c.Keys != 0
	switch {
	case c.Object == "" && given != (workload.Given{}):
		return nil, fmt.Errorf("--type, --map and --const need --object")
	case (c.Object != "" || c.Case != "") && generated:
		return nil, fmt.Errorf("--object and --case bring their own sites, programs and keys")
	case c.Object != "" && c.Case != "":
		return nil, fmt.Errorf("--object and --case are two workloads")
	case c.Case != "" && c.Entry != "":
		return nil, fmt.Errorf("--case brings its own --entry")
	case c.Case != "":
		return regress.Workload(c.Case)
	case c.Object != "":
		return workload.LoadGiven(c.Object, c.Entry, given)
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
