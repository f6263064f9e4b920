package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// rendering are the files whose words people read.
var rendering = []string{"stress/report/render/*.go", "patcher/protocol/witness/*.go"}

// exempt are files beside them that have no such words.
var exempt = map[string]string{
	"stress/report/render/formats.go":     "the names of forms are values of --format",
	"stress/report/render/html.go":        "the names of templates, and of the page's files",
	"stress/report/render/json.go":        "the white space of JSON",
	"patcher/protocol/witness/json.go":    "the names of fields, and what is wrong with a file",
	"patcher/protocol/witness/action.go":  "the names of actors and actions in files",
	"patcher/protocol/witness/witness.go": "the values",
}

// renderers are the files that are reworded, as paths from the root.
func renderers() []string {
	var out []string
	for _, pattern := range rendering {
		files, _ := filepath.Glob(pattern) // fails on a malformed pattern alone
		for _, f := range files {
			if exempt[f] == "" && !strings.HasSuffix(f, "_test.go") && path.Base(f) != "doc.go" {
				out = append(out, f)
			}
		}
	}
	return out
}

// rewordedPackages are the packages of these files.
func rewordedPackages() []string {
	var out []string
	for _, f := range renderers() {
		out = append(out, "./"+path.Dir(f))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// reword writes the reworded files into a folder, and the file that the go command finds them by.
func reword(folder string) (overlay string, literals int, err error) {
	replace := map[string]string{}
	for i, name := range renderers() {
		src, err := os.ReadFile(name)
		if err != nil {
			return "", 0, err
		}
		out, n, err := appendLetter(name, src)
		if err != nil {
			return "", 0, err
		}
		literals += n
		replace[name] = filepath.Join(folder, fmt.Sprintf("%d_%s", i, path.Base(name)))
		if err := os.WriteFile(replace[name], out, 0o666); err != nil {
			return "", 0, err
		}
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", 0, err
	}
	overlay = filepath.Join(folder, "overlay.json")
	return overlay, literals, os.WriteFile(overlay, raw, 0o666)
}

// letter is what every literal gets: no escape and no verb of a format can end in it.
const letter = "x"

// markup says whether a literal has a piece of an element of a drawing.
func markup(literal string) bool {
	return strings.Contains(literal, "<") || strings.Contains(literal, `="`)
}

// asksWhether says whether an operand is the empty string that something is compared with: the
// question is whether a field is there, and the literal is no word.
func asksWhether(op token.Token, operand ast.Expr) bool {
	l, ok := operand.(*ast.BasicLit)
	return ok && (op == token.EQL || op == token.NEQ) && (l.Value == `""` || l.Value == "``")
}

// appendLetter appends a letter to every string literal of a file, and counts them.
func appendLetter(name string, src []byte) ([]byte, int, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, src, 0)
	if err != nil {
		return nil, 0, err
	}
	var ends []int // offsets of the closing quotes
	left := map[ast.Node]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			left[n.Tag] = true
		case *ast.BinaryExpr:
			for _, side := range []ast.Expr{n.X, n.Y} {
				left[side] = left[side] || asksWhether(n.Op, side)
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING && !left[n] && !markup(n.Value) {
				ends = append(ends, set.Position(n.End()).Offset-1)
			}
		}
		return true
	})
	slices.Sort(ends)
	var out bytes.Buffer
	from := 0
	for _, end := range ends {
		out.Write(src[from:end])
		out.WriteString(letter)
		from = end
	}
	out.Write(src[from:])
	return out.Bytes(), len(ends), nil
}
