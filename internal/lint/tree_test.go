package lint

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "tailpoke"

// file is one file of the tree.
type file struct {
	path string // from the root, with slashes
	text string
	ast  *ast.File // of Go files
	set  *token.FileSet
}

func (f *file) isGo() bool      { return strings.HasSuffix(f.path, ".go") }
func (f *file) isTest() bool    { return strings.HasSuffix(f.path, "_test.go") }
func (f *file) isFixture() bool { return strings.Contains("/"+f.path, "/testdata/") }

// pkg is the import path of the package that the file belongs to, without the module's.
func (f *file) pkg() string { return path.Dir(f.path) }

// imports lists the import paths of a Go file.
func (f *file) imports() []string {
	var out []string
	for _, s := range f.ast.Imports {
		p, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			panic(err) // it was parsed
		}
		out = append(out, p)
	}
	return out
}

// position is where a node of a Go file begins, as path, line and column.
func (f *file) position(n ast.Node) string { return f.set.Position(n.Pos()).String() }

// tree is what the rules look at: every file that is, or will be, under version control,
// whatever system it is built for.
type tree struct {
	files    []*file
	packages []string // that go list finds, without the module's path
}

func (t *tree) goFiles() []*file {
	var out []*file
	for _, f := range t.files {
		if f.ast != nil {
			out = append(out, f)
		}
	}
	return out
}

// add parses a file into the tree.
func (t *tree) add(name, text string) error {
	f := &file{path: name, text: text}
	t.files = append(t.files, f)
	if !f.isGo() || f.isFixture() {
		return nil
	}
	var err error
	f.set = token.NewFileSet()
	f.ast, err = parser.ParseFile(f.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return err
}

// readTree reads the module that this package is in.
func readTree(t *testing.T) *tree {
	t.Helper()
	root := filepath.Join("..", "..")
	out := &tree{packages: listPackages(t, root)}
	for _, name := range listFiles(t, root) {
		raw, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := out.add(name, string(raw)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// listFiles asks git for the files of the tree, and where there is no repository walks
// the folders.
func listFiles(t *testing.T, root string) []string {
	t.Helper()
	raw, err := command(root, "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		t.Logf("%v; every file of the tree is looked at", err)
		return walkFiles(t, root)
	}
	names := strings.Split(strings.TrimSuffix(raw, "\x00"), "\x00")
	slices.Sort(names)
	return slices.Compact(names)
}

func walkFiles(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.Type().IsRegular():
			out = append(out, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func listPackages(t *testing.T, root string) []string {
	t.Helper()
	raw, err := command(root, "go", "list", "-buildvcs=false", "-json=ImportPath", "./...")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for d := json.NewDecoder(strings.NewReader(raw)); ; {
		var p struct{ ImportPath string }
		if err := d.Decode(&p); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.TrimPrefix(p.ImportPath, module+"/"))
	}
}

func command(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", errors.New(name + ": " + strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), err
}
