package reference

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestOwn: the interpreter's files use constants, types and fields of package protocol, and call
// nothing of it. They know no engine. So that an engine and the interpreter agree is evidence.
func TestOwn(t *testing.T) {
	constants := 0
	for _, name := range []string{
		"question_test.go", "state_test.go", "slot_test.go", "mutator_test.go", "thread_test.go",
	} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			switch path := strings.Trim(i.Path.Value, `"`); path {
			case "slices", "math/bits", "tailpoke/patcher/protocol":
			default:
				t.Errorf("%s imports %s", name, path)
			}
		}
		for n := range ast.Preorder(file) {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "protocol" {
					constants++
				}
			case *ast.CallExpr:
				if what := called(n); what != "" {
					t.Errorf("%s calls %s", name, what)
				}
			}
		}
	}
	if constants < 20 {
		t.Errorf("only %d uses of package protocol: did the files change their names?", constants)
	}
}

// called names what a call calls that the interpreter's files do not have themselves; "" if they
// have it. Conversions to types are calls of nothing.
func called(c *ast.CallExpr) string {
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := s.X.(*ast.Ident)
	switch {
	case ok && x.Name == "protocol" && s.Sel.Name == "OpKind": // a conversion
		return ""
	case ok && (x.Name == "slices" || x.Name == "bits"):
		return ""
	case ast.IsExported(s.Sel.Name):
		return s.Sel.Name // a function or method of another package
	}
	return ""
}
