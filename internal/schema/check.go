package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const module = "tailpoke"

// root is the folder of the module's source.
func root() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("this binary does not know its source")
	}
	return filepath.Join(filepath.Dir(file), "..", ".."), nil
}

// File is where the schema of a kind of documents stands.
func File(name string) (string, error) {
	top, err := root()
	parts := strings.Split(name, "/")
	if err != nil || len(parts) != 3 || parts[0] != "stress" {
		return "", errors.Join(err, fmt.Errorf("schema %q: want stress/NAME/VERSION", name))
	}
	return filepath.Join(top, "docs", "schemas", parts[1]+"-"+parts[2]+".json"), nil
}

// Hold says where the file of a schema is not what its types say. With update it writes the file.
func Hold(d Document, update bool) error {
	s, err := Make(d)
	if err != nil {
		return err
	}
	var made bytes.Buffer
	e := json.NewEncoder(&made)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	file, err := File(d.Name)
	if err != nil {
		return err
	}
	if update {
		return os.WriteFile(file, made.Bytes(), 0o666)
	}
	is, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(is, made.Bytes()) {
		return fmt.Errorf("%s is not what the types of %s say: go test with -update writes it", file, d.Name)
	}
	return nil
}

// Check says what is wrong with a document by the schema that it names. Beyond that, it has no field
// that the schema does not know.
func Check(raw []byte) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	fields, _ := document.(map[string]any)
	name, _ := fields["schema"].(string)
	return against(name, document)
}

// CheckAs is Check of a document that does not name its schema, such as a line of a journal.
func CheckAs(name string, raw []byte) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return against(name, document)
}

// read reads the schema of a name.
func read(name string) (any, error) {
	file, err := File(name)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("docs/schemas has no file of %q", name)
	}
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(raw))
}

// against says what is wrong with a document by the schema of a name.
func against(name string, document any) error {
	s, err := read(name)
	if err != nil {
		return err
	}
	shut(s)
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", s); err != nil {
		return err
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		return err
	}
	return compiled.Validate(document)
}
