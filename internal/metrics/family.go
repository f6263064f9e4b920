package metrics

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// prefix begins every name.
const prefix = "tailpoke_"

// The types of families.
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// A family is a metric: samples of one name, told apart by their labels.
type family struct {
	name, kind, help string
	samples          []sample
}

// A sample is a value. Its labels are names and values in turn; suffix follows the family's name.
type sample struct {
	suffix string
	labels []string
	value  float64
}

// families are written in the order in which they were first named.
type families []*family

// of is the family of a name, which is made where there is none.
func (f *families) of(kind, name, help string) *family {
	for _, has := range *f {
		if has.name == name {
			return has
		}
	}
	made := &family{name: name, kind: kind, help: help}
	*f = append(*f, made)
	return made
}

func (f *family) add(value float64, labels ...string) {
	f.samples = append(f.samples, sample{labels: labels, value: value})
}

// quote writes what may stand in a label's value.
var quote = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// write writes all families that have samples, as version 0.0.4 of the format has them.
func (f families) write(w io.Writer) error {
	var b strings.Builder
	for _, of := range f {
		if len(of.samples) == 0 {
			continue
		}
		name := prefix + of.name
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, of.help, name, of.kind)
		for _, s := range of.samples {
			b.WriteString(name + s.suffix)
			for i := 0; i < len(s.labels); i += 2 {
				open := ","
				if i == 0 {
					open = "{"
				}
				fmt.Fprintf(&b, `%s%s="%s"`, open, s.labels[i], quote.Replace(s.labels[i+1]))
			}
			if len(s.labels) > 0 {
				b.WriteByte('}')
			}
			b.WriteString(" " + strconv.FormatFloat(s.value, 'g', -1, 64) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
