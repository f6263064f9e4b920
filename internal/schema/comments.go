package schema

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// comments are what packages say of their types, by the packages' paths.
type comments map[string]*said

// said is what one package says.
type said struct {
	of        map[string]string   // by "Type" and "Type.Field"
	constants map[string][]string // the strings of a type's constants
}

// of is what is said of a type, or of a field of it.
func (c comments) of(t reflect.Type, field string) (string, error) {
	s, err := c.in(t.PkgPath())
	if err != nil {
		return "", err
	}
	name := t.Name()
	if field != "" {
		name += "." + field
	}
	return s.of[name], nil
}

// constants are the words of a type, in the order of the source.
func (c comments) constants(t reflect.Type) ([]string, error) {
	s, err := c.in(t.PkgPath())
	if err != nil {
		return nil, err
	}
	return s.constants[t.Name()], nil
}

// in reads what a package says.
func (c comments) in(path string) (*said, error) {
	if s := c[path]; s != nil {
		return s, nil
	}
	top, err := root()
	if err != nil {
		return nil, err
	}
	s := &said{map[string]string{}, map[string][]string{}}
	c[path] = s
	files, err := filepath.Glob(filepath.Join(top, strings.TrimPrefix(path, module), "*.go"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, &fs.PathError{Op: "read the source of", Path: path, Err: fs.ErrNotExist}
	}
	slices.Sort(files)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range parsed.Decls {
			if d, ok := d.(*ast.GenDecl); ok {
				s.read(d)
			}
		}
	}
	return s, nil
}

// read takes up a declaration.
func (s *said) read(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.of[spec.Name.Name] = text(d.Doc, spec.Doc, spec.Comment)
			if of, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range of.Fields.List {
					for _, name := range f.Names {
						s.of[spec.Name.Name+"."+name.Name] = text(f.Doc, f.Comment)
					}
				}
			}
		case *ast.ValueSpec:
			of, ok := spec.Type.(*ast.Ident)
			if !ok || d.Tok != token.CONST {
				continue
			}
			for _, v := range spec.Values {
				if v, ok := v.(*ast.BasicLit); ok && v.Kind == token.STRING {
					if word, err := strconv.Unquote(v.Value); err == nil {
						s.constants[of.Name] = append(s.constants[of.Name], word)
					}
				}
			}
		}
	}
}

// links are those of Go's documentation, such as [Document.Schema].
var links = regexp.MustCompile(`\[([A-Z][A-Za-z.]*)\]`)

// text is what the first comment says that says something, in one line.
func text(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if t := strings.Join(strings.Fields(g.Text()), " "); t != "" {
			return links.ReplaceAllString(t, "$1")
		}
	}
	return ""
}
