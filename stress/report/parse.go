package report

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// sections are those that documents of a schema may have.
var sections = []Section{
	&Mutants{}, &Search{}, &Replay{}, &TraceCheck{}, &Regression{}, &Identity{}, &Doctor{}, &Catalogue{},
	&Matrix{}, &Affected{}, &Soak{}, &Findings{}, &About{},
}

// Parse reads a document as JSON has it, but for its witnesses, and for listings. Findings of an
// engine's verdict are among the document's.
func Parse(text []byte) (*Document, error) {
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	schema, _ := fields["schema"].(string)
	if !strings.HasPrefix(schema, "stress/") {
		return nil, fmt.Errorf("schema: %q: want a document of this command, as --json prints it", schema)
	}
	drop(fields, "witness")
	plain, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	d := &Document{}
	if err := json.Unmarshal(plain, d); err != nil {
		return nil, err
	}
	for _, s := range sections {
		if s.Schema() != schema {
			continue
		}
		s = reflect.New(reflect.TypeOf(s).Elem()).Interface().(Section)
		if err := json.Unmarshal(plain, s); err != nil {
			return nil, err
		}
		d.Sections = []Section{s}
		return d, nil
	}
	if len(d.Verdicts) == 0 && d.Error == "" {
		return nil, fmt.Errorf("schema: %q: this command knows no such document, or another version of it", schema)
	}
	return d, nil
}

// drop removes a field from every object.
func drop(v any, field string) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, field)
		for _, x := range v {
			drop(x, field)
		}
	case []any:
		for _, x := range v {
			drop(x, field)
		}
	}
}
