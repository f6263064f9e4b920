package stress

import (
	"fmt"
	"strconv"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/judge"
)

// Head is the first line of a script, a comment that says by the names of the command's flags which
// subject, workload and seed the script is for. Traces begin with it, too.
func (o Options) Head(s protocol.Subject, w *Workload) (string, error) {
	j, _, err := o.job(s, w)
	if err != nil {
		return "", err
	}
	return j.Head(), nil
}

// With is the choice with what the first line of a script or of a trace says in the place of what it
// leaves out, and the seed there; "" is none. A line that [Options.Head] cannot have written is a
// comment. Beside a workload that is chosen, one of another kind is left out.
func (c Choice) With(text string) (_ Choice, seed string, err error) {
	const object, own, generated = "object", "case", "generated"
	kind := ""
	switch {
	case c.Object+c.Entry+c.Type+c.Maps+c.Consts != "":
		kind = object
	case c.Case != "":
		kind = own
	case c.Sites+c.Programs+c.Keys != 0:
		kind = generated
	}
	fields := map[string]struct {
		text   *string
		number *int
		kind   string
	}{
		"protocol": {text: &c.Protocol}, "method": {text: &c.Method}, "grace": {text: &c.Grace}, "layout": {text: &c.Layout},
		"threads": {number: &c.Threads}, "seed": {text: &seed}, "case": {&c.Case, nil, own},
		"object": {&c.Object, nil, object}, "entry": {&c.Entry, nil, object}, "type": {&c.Type, nil, object},
		"map": {&c.Maps, nil, object}, "const": {&c.Consts, nil, object},
		"sites": {nil, &c.Sites, generated}, "programs": {nil, &c.Programs, generated}, "keys": {nil, &c.Keys, generated},
	}
	for _, v := range judge.ReadHead(text) {
		f, ok := fields[v[0]]
		switch {
		case !ok:
			return c, "", fmt.Errorf("%s: nothing that a text is about has this name", v[0])
		case kind != "" && f.kind != "" && kind != f.kind:
		case f.number == nil && v[1] == "":
			return c, "", fmt.Errorf("%s: its value is empty", v[0])
		case f.number == nil && *f.text == "":
			*f.text = v[1]
		case f.number != nil:
			n, err := strconv.ParseInt(v[1], 10, 32)
			if err != nil || n < 1 {
				return c, "", fmt.Errorf("%s=%s: want a number from 1", v[0], v[1])
			}
			if *f.number == 0 {
				*f.number = int(n)
			}
		}
	}
	return c, seed, nil
}
