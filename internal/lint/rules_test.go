package lint

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxLines bounds a file that is no test, in lines, and maxColumns its lines, in characters:
// a tab is one.
const (
	maxLines   = 300
	maxColumns = 100
)

// Bounds of the root of stress, which is the run and no more: files that are no tests, exported
// names of the package, and packages of this module that it imports.
const (
	rootOfStress   = "stress"
	maxRootFiles   = 15
	maxRootNames   = 30
	maxRootImports = 8
)

// slotHomes may speak of the tail call's first slot by its name: files, and folders with all
// that is below them. Everything else takes a site as data, so that other sites fit in.
var slotHomes = []string{"patcher/protocol/tailcall.go", "patcher/protocol/tailcall_", "jit/", "stress/internal/kernel/"}

// unsafeHome is the one package with unsafe code and assembly.
const unsafeHome = "jit/exec"

// ruleUnsafe keeps unsafe code, assembly and linknames in one package.
func ruleUnsafe(t *tree) []string {
	var out []string
	for _, f := range t.files {
		if f.pkg() == unsafeHome || f.isFixture() {
			continue
		}
		if strings.HasSuffix(f.path, ".s") {
			out = append(out, f.path+": assembly belongs in "+unsafeHome)
		}
		if f.ast == nil {
			continue
		}
		if slices.Contains(f.imports(), "unsafe") {
			out = append(out, f.path+": unsafe belongs in "+unsafeHome)
		}
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				if strings.HasPrefix(c.Text, "//go:linkname") {
					out = append(out, f.path+": go:linkname belongs in "+unsafeHome)
				}
			}
		}
	}
	return out
}

// ruleInit finds functions that run before main.
func ruleInit(t *tree) []string {
	var out []string
	for _, f := range t.goFiles() {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Recv == nil && fn.Name.Name == "init" && !f.isTest() {
				out = append(out, f.path+": func init: what runs before main is hidden from its reader")
			}
		}
	}
	return out
}

// ruleDoc wants a doc.go with a package comment in every package, and the comment
// nowhere else.
func ruleDoc(t *tree) []string {
	documented := map[string]bool{}
	var out []string
	for _, f := range t.goFiles() {
		if f.isTest() || f.ast.Doc == nil || strings.TrimSpace(f.ast.Doc.Text()) == "" {
			continue
		}
		if !strings.HasSuffix(f.path, "/doc.go") {
			out = append(out, f.path+": the package comment belongs in doc.go")
			continue
		}
		documented[f.pkg()] = true
	}
	for _, p := range t.packages {
		if !documented[p] {
			out = append(out, p+": no doc.go with a package comment")
		}
	}
	return out
}

// ruleLines bounds the length of files.
func ruleLines(t *tree) []string {
	var out []string
	for _, f := range t.goFiles() {
		if n := strings.Count(f.text, "\n"); n > maxLines && !f.isTest() {
			out = append(out, fmt.Sprintf("%s: %d lines are more than %d: which of its concepts is a file of its own?", f.path, n, maxLines))
		}
	}
	return out
}

// ruleColumns bounds the length of lines.
func ruleColumns(t *tree) []string {
	var out []string
	for _, f := range t.goFiles() {
		if f.isTest() {
			continue
		}
		for i, line := range strings.Split(f.text, "\n") {
			if n := utf8.RuneCountInString(line); n > maxColumns {
				out = append(out, fmt.Sprintf("%s:%d: %d columns are more than %d", f.path, i+1, n, maxColumns))
			}
		}
	}
	return out
}

// ruleSlotName finds identifiers and strings that name the tail call's first slot, outside its
// homes and tests.
func ruleSlotName(t *tree) []string {
	var out []string
	for _, f := range t.goFiles() {
		home := func(p string) bool {
			return f.path == p || !strings.HasSuffix(p, ".go") && strings.HasPrefix(f.path, p)
		}
		if f.isTest() || slices.ContainsFunc(slotHomes, home) {
			continue
		}
		for n := range ast.Preorder(f.ast) {
			var text string
			switch n := n.(type) {
			case *ast.Ident:
				text = n.Name
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					text = n.Value
				}
			}
			if strings.Contains(strings.ToLower(text), "bypass") {
				out = append(out, fmt.Sprintf("%s: %s: the slots of a site are data here", f.position(n), text))
			}
		}
	}
	return out
}

// ruleRoot keeps the root of stress small: what it does for an engine or a verb has a room.
func ruleRoot(t *tree) []string {
	files, names, imports := 0, map[string]bool{}, map[string]bool{}
	for _, f := range t.goFiles() {
		if f.pkg() != rootOfStress || f.isTest() {
			continue
		}
		files++
		for _, p := range f.imports() {
			if strings.HasPrefix(p, module+"/") {
				imports[p] = true
			}
		}
		for _, d := range f.ast.Decls {
			for _, name := range declared(d) {
				if name.IsExported() {
					names[name.Name] = true
				}
			}
		}
	}
	var out []string
	for _, c := range []struct {
		what      string
		has, most int
	}{
		{"files", files, maxRootFiles}, {"exported names", len(names), maxRootNames},
		{"imports of this module", len(imports), maxRootImports},
	} {
		if c.has > c.most {
			out = append(out, fmt.Sprintf("%s: %d %s are more than %d", rootOfStress, c.has, c.what, c.most))
		}
	}
	return out
}

// declared lists the names that a declaration gives its package. Methods are none.
func declared(d ast.Decl) []*ast.Ident {
	if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
		return []*ast.Ident{fn.Name}
	}
	gen, ok := d.(*ast.GenDecl)
	if !ok {
		return nil
	}
	var out []*ast.Ident
	for _, s := range gen.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			out = append(out, s.Name)
		case *ast.ValueSpec:
			out = append(out, s.Names...)
		}
	}
	return out
}

// ruleFormat wants every Go file as gofmt writes it.
func ruleFormat(t *tree) []string {
	var out []string
	for _, f := range t.goFiles() {
		if neat, err := format.Source([]byte(f.text)); err != nil || string(neat) != f.text {
			out = append(out, f.path+": not as gofmt writes it")
		}
	}
	return out
}

// ruleMachinePaths finds paths that exist on the machine alone on which they were
// written. They are put together here, so that this file has none.
func ruleMachinePaths(t *tree) []string {
	var out []string
	for _, f := range t.files {
		for _, p := range []string{"/" + "work/", "/" + "tmp/x/", "/" + "root/", "/" + "home/"} {
			for i, line := range strings.Split(f.text, "\n") {
				if strings.Contains(line, p) {
					out = append(out, fmt.Sprintf("%s:%d: %s is a path of one machine", f.path, i+1, p))
				}
			}
		}
	}
	return out
}
