package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A tree is the module as the go command sees it on this machine.
type tree struct {
	root     string
	module   string
	packages map[string]*pkg // by path from the root
	exports  map[string]string
	importer types.Importer
}

// A pkg is a package of the module with its files that are no tests.
type pkg struct {
	path  string // from the root, with slashes
	name  string
	names []string
	// tested: it has tests of its own
	tested bool
	src    map[string][]byte // by path from the root

	literals map[string]string // types of literals by their places, see literalType
}

// readTree asks the go command for the module at root.
func readTree(root string) (*tree, error) {
	module, err := goTool(root, "list", "-m")
	if err != nil {
		return nil, err
	}
	listed, err := goTool(root, "list", "-export", "-deps", "-json=ImportPath,Name,Export,GoFiles,TestGoFiles,XTestGoFiles,Module", "./...", "os", "strconv")
	if err != nil {
		return nil, err
	}
	t := &tree{root: root, module: strings.TrimSpace(module), packages: map[string]*pkg{}, exports: map[string]string{}}
	for d := json.NewDecoder(strings.NewReader(listed)); ; {
		var p struct {
			ImportPath, Name, Export           string
			GoFiles, TestGoFiles, XTestGoFiles []string
			Module                             *struct{ Path string }
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		t.exports[p.ImportPath] = p.Export
		if p.Module == nil || p.Module.Path != t.module {
			continue
		}
		path := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, t.module), "/")
		own := &pkg{path: path, name: p.Name, tested: len(p.TestGoFiles)+len(p.XTestGoFiles) > 0, src: map[string][]byte{}}
		for _, name := range p.GoFiles {
			name = filepath.ToSlash(filepath.Join(path, name))
			own.names = append(own.names, name)
			if own.src[name], err = os.ReadFile(filepath.Join(root, name)); err != nil {
				return nil, err
			}
		}
		t.packages[path] = own
	}
	t.importer = importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if t.exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(t.exports[path])
	})
	return t, nil
}

// testsOf lists the packages whose tests a package is mapped to, of those that have tests.
func (t *tree) testsOf(pkg string) []string {
	return slices.DeleteFunc(slices.Clone(testsOf(pkg)), func(entry string) bool {
		path, _, _ := strings.Cut(entry, " ")
		return t.packages[path] != nil && !t.packages[path].tested
	})
}

func (t *tree) paths() []string { return slices.Sorted(maps.Keys(t.packages)) }

// faults finds every fault of a package, in the order of its files.
func (p *pkg) faults() ([]fault, error) {
	var out []fault
	fset := token.NewFileSet()
	for _, name := range p.names {
		file, err := parser.ParseFile(fset, name, p.src[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if ast.IsGenerated(file) {
			continue
		}
		out = append(out, faultsOf(fset, name, file, p.src[name])...)
	}
	return out, nil
}

// compiles tells whether a package does with a fault in it.
func (t *tree) compiles(f fault) bool {
	p := t.packages[packageOf(f)]
	return t.check(p, f.file, f.apply(p.src[f.file]), token.NewFileSet(), nil)
}

// check tells whether a package compiles with another text of one of its files, and with gates.
// It fills info, which may be nil.
func (t *tree) check(p *pkg, name string, src []byte, fset *token.FileSet, info *types.Info) bool {
	var files []*ast.File
	for _, own := range append(slices.Clone(p.names), gateFile) {
		text := p.src[own]
		switch own {
		case name:
			text = src
		case gateFile:
			text = gateSource(p.name)
		}
		file, err := parser.ParseFile(fset, own, text, parser.SkipObjectResolution)
		if err != nil {
			return false
		}
		files = append(files, file)
	}
	conf := types.Config{Importer: t.importer, Sizes: types.SizesFor("gc", runtime.GOARCH)}
	_, err := conf.Check(t.module+"/"+p.path, fset, files, info)
	return err == nil
}

func goTool(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("go %s: %s", args[0], exit.Stderr)
	}
	return string(out), err
}
