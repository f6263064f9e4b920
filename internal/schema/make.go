package schema

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// object is a part of a schema.
type object = map[string]any

// Document says what a kind of documents is made of.
type Document struct {
	Name  string // what its field "schema" says, such as "stress/verdict/2"
	Title string
	// Parts are values of the types whose fields stand side by side in the document.
	Parts []any
	// Maybe are such values of which a document may have the fields of none.
	Maybe []any
	// Needs are fields that are always there, beside those that cannot be left out by their tags, and
	// Without are fields that never are.
	Needs, Without []string
	// Closed: a field that is not in the schema is an error, as the command takes it for one.
	Closed bool
	// Any are the values that a field of the type any may have.
	Any []any
}

// maker makes one schema.
type maker struct {
	document *Document
	defs     object
	comments comments
	tops     []reflect.Type // whose fields are the document's own
}

// Make makes the schema of a kind of documents.
func Make(d Document) (out map[string]any, err error) {
	m := &maker{document: &d, defs: object{}, comments: comments{}}
	top := object{"type": "object", "properties": object{}, "required": []string{}}
	for _, part := range d.Parts {
		m.tops = append(m.tops, reflect.TypeOf(part))
		if err := m.fields(top, reflect.TypeOf(part), true); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
	}
	for _, part := range d.Maybe {
		if err := m.fields(top, reflect.TypeOf(part), false); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
	}
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["$id"] = "urn:" + strings.ReplaceAll(d.Name, "/", ":")
	top["title"] = d.Title
	if _, ok := top["properties"].(object)["schema"]; ok {
		top["properties"].(object)["schema"] = object{"const": d.Name}
	}
	required := append(top["required"].([]string), d.Needs...)
	slices.Sort(required)
	top["required"] = slices.Compact(required)
	if len(m.defs) > 0 {
		top["$defs"] = m.defs
	}
	if d.Closed {
		shut(top)
	}
	return top, nil
}

// fields adds the fields of a struct to an object. Those of a part that may be missing as a whole are
// all there or none is.
func (m *maker) fields(to object, t reflect.Type, there bool) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var own []string
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || slices.Contains(m.document.Without, name) && slices.Contains(m.tops, t):
			continue
		case f.Anonymous && name == "":
			if err := m.fields(to, f.Type, there && f.Type.Kind() != reflect.Pointer); err != nil {
				return err
			}
			continue
		case !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		optional := strings.Contains(options, "omit")
		s, err := m.of(f.Type, optional)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t.Name(), f.Name, err)
		}
		if text, err := m.comments.of(t, f.Name); err != nil {
			return err
		} else if text != "" {
			s = described(s, text)
		}
		if _, twice := to["properties"].(object)[name]; twice {
			return fmt.Errorf("%s.%s: a second field %q", t.Name(), f.Name, name)
		}
		to["properties"].(object)[name] = s
		if !optional {
			own = append(own, name)
		}
	}
	if there {
		to["required"] = append(to["required"].([]string), own...)
	} else if len(own) > 1 {
		if to["dependentRequired"] == nil {
			to["dependentRequired"] = object{}
		}
		to["dependentRequired"].(object)[own[0]] = own[1:]
	}
	return nil
}

// described is a schema with a description; a reference keeps its own.
func described(s object, text string) object {
	s = maps.Clone(s)
	s["description"] = text
	return s
}

// Fielder is a type that is written otherwise than its fields say: as a value of another type.
type Fielder interface{ Fields() any }

// of is the schema of a value. What may not be left out is null where it is nil.
func (m *maker) of(t reflect.Type, optional bool) (object, error) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		s, err := m.held(t)
		if err != nil || optional {
			return s, err
		}
		if kind, ok := s["type"].(string); ok {
			s["type"] = []string{kind, "null"}
			return s, nil
		}
		return object{"anyOf": []object{s, {"type": "null"}}}, nil
	}
	return m.held(t)
}

// held is the schema of a value that is not nil.
func (m *maker) held(t reflect.Type) (object, error) {
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return object{"type": "object"}, nil // a document in a document
	case t == reflect.TypeFor[[]byte]():
		return object{"type": "string", "contentEncoding": "base64"}, nil
	case t.Kind() == reflect.Pointer:
		return m.held(t.Elem())
	case reflect.PointerTo(t).Implements(reflect.TypeFor[Fielder]()):
		return m.held(reflect.TypeOf(reflect.New(t).Interface().(Fielder).Fields()))
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return object{"type": "string"}, nil
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		items, err := m.of(t.Elem(), true)
		s := object{"type": "array", "items": items}
		if t.Kind() == reflect.Array {
			s["minItems"], s["maxItems"] = t.Len(), t.Len()
		}
		return s, err
	case reflect.Map:
		s, err := m.of(t.Elem(), true)
		s = object{"type": "object", "additionalProperties": s}
		if err == nil && t.Key().PkgPath() != "" {
			s["propertyNames"], err = m.held(t.Key())
		}
		return s, err
	case reflect.Struct:
		return m.named(t)
	case reflect.Interface:
		return m.any()
	case reflect.Bool:
		return object{"type": "boolean"}, nil
	case reflect.String:
		return m.word(t)
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return object{"type": "integer"}, nil
	}
	return nil, fmt.Errorf("no schema of a %s", t)
}

// named is a reference to the definition of a struct.
func (m *maker) named(t reflect.Type) (object, error) {
	name, ref := reference(t)
	if _, ok := m.defs[name]; ok {
		return ref, nil
	}
	def := object{"type": "object", "properties": object{}, "required": []string{}}
	m.defs[name] = def // before its fields: a type may hold itself
	if err := m.fields(def, t, true); err != nil {
		return nil, err
	}
	slices.Sort(def["required"].([]string))
	if text, err := m.comments.of(t, ""); err != nil {
		return nil, err
	} else if text != "" {
		def["description"] = text
	}
	return ref, nil
}

// word is a string: of a type with constants one of these, by the type's name.
func (m *maker) word(t reflect.Type) (object, error) {
	if t.PkgPath() == "" {
		return object{"type": "string"}, nil
	}
	words, err := m.comments.constants(t)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return object{"type": "string"}, nil
	}
	name, ref := reference(t)
	m.defs[name] = object{"enum": words}
	return ref, nil
}

// reference is the name of a type's definition, with its package's name, and a reference to it.
func reference(t reflect.Type) (string, object) {
	name := strings.TrimSuffix(t.String(), "File") // as the types of files are called
	return name, object{"$ref": "#/$defs/" + name}
}

// any is a value of one of the types that the document names.
func (m *maker) any() (object, error) {
	var each []object
	for _, v := range m.document.Any {
		s, err := m.held(reflect.TypeOf(v))
		if err != nil {
			return nil, err
		}
		each = append(each, s)
	}
	if each == nil {
		return object{}, nil
	}
	return object{"anyOf": each}, nil
}

// shut has every object with fields of its own refuse others.
func shut(s any) {
	switch s := s.(type) {
	case object:
		if _, ok := s["properties"].(object); ok && s["type"] == "object" && s["additionalProperties"] == nil {
			s["additionalProperties"] = false
		}
		for _, part := range s {
			shut(part)
		}
	case []object:
		for _, part := range s {
			shut(part)
		}
	case []any:
		for _, part := range s {
			shut(part)
		}
	}
}
