package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// A fault is one small edit of a source file.
type fault struct {
	file string // from the root of the module, with slashes
	line int
	col  int
	in   string // the function, "" outside of any
	kind string
	from int // bytes [from, to) of the file become text
	to   int
	text string
}

func (f fault) id() string { return fmt.Sprintf("%s:%d:%d:%s", f.file, f.line, f.col, f.kind) }

// apply returns the source with the fault in it.
func (f fault) apply(src []byte) []byte {
	return slices.Concat(src[:f.from], []byte(f.text), src[f.to:])
}

// diff returns the lines that the fault changes, as they were and as they are.
func (f fault) diff(src []byte) (was, is string) {
	start := strings.LastIndexByte(string(src[:f.from]), '\n') + 1
	end := len(src)
	if n := strings.IndexByte(string(src[f.to:]), '\n'); n >= 0 {
		end = f.to + n
	}
	changed := slices.Concat(src[start:f.from], []byte(f.text), src[f.to:end])
	return squeeze(string(src[start:end])), squeeze(string(changed))
}

// squeeze puts a text on one line, without comments at its end.
func squeeze(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, " // ")
		if code = strings.TrimSpace(code); code != "" && !strings.HasPrefix(code, "//") {
			out = append(out, code)
		}
	}
	return strings.Join(out, " ")
}

// finder collects the faults of a file.
type finder struct {
	file   *ast.File
	path   string
	tokens *token.File
	src    []byte
	in     string          // the function at hand
	sigs   []*ast.FuncType // of the functions around the node at hand
	out    []fault
}

// faultsOf finds every fault that can be made in a file.
func faultsOf(fset *token.FileSet, path string, file *ast.File, src []byte) []fault {
	f := &finder{file: file, path: path, tokens: fset.File(file.Pos()), src: src}
	for _, d := range file.Decls {
		f.in = ""
		if fn, ok := d.(*ast.FuncDecl); ok {
			f.in = fn.Name.Name
		}
		f.walk(d)
	}
	slices.SortStableFunc(f.out, func(a, b fault) int { return a.from - b.from })
	return f.out
}

func (f *finder) walk(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			f.function(n.Type, n.Body)
			return false
		case *ast.FuncLit:
			f.function(n.Type, n.Body)
			return false
		case *ast.CallExpr:
			return f.call(n)
		}
		f.node(n)
		return true
	})
}

func (f *finder) function(sig *ast.FuncType, body *ast.BlockStmt) {
	if body == nil {
		return // in assembly
	}
	f.sigs = append(f.sigs, sig)
	f.walk(body)
	f.sigs = f.sigs[:len(f.sigs)-1]
}

// call tells whether to look into a call.
func (f *finder) call(n *ast.CallExpr) bool {
	name, ok := n.Fun.(*ast.Ident)
	switch {
	case !ok:
	case name.Name == "panic":
		return false
	case name.Name == "make" && len(n.Args) == 3:
		f.walk(n.Args[1]) // the third is a capacity
		return false
	case name.Name == "make" && len(n.Args) == 2:
		_, isMap := n.Args[0].(*ast.MapType)
		return !isMap
	}
	return true
}

func (f *finder) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.IfStmt:
		f.negate(n.Cond)
	case *ast.ForStmt:
		f.negate(n.Cond)
	case *ast.SwitchStmt:
		for _, c := range n.Body.List {
			c := c.(*ast.CaseClause)
			if n.Tag != nil {
				f.clause(c)
				continue
			}
			for _, cond := range c.List {
				f.negate(cond)
			}
		}
	case *ast.TypeSwitchStmt:
		for _, c := range n.Body.List {
			f.clause(c.(*ast.CaseClause))
		}
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.BasicLit:
		if n.Kind == token.INT {
			f.add("plus", n.Pos(), n.End(), "("+n.Value+" + 1)")
			f.add("minus", n.Pos(), n.End(), "("+n.Value+" - 1)")
		}
	case *ast.ReturnStmt:
		f.returns(n)
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			f.add("drop", n.Pos(), n.End(), "")
		}
	case *ast.ExprStmt:
		if call, ok := n.X.(*ast.CallExpr); ok && isIdent(call.Fun, "panic") {
			return
		}
		f.add("drop", n.Pos(), n.End(), "")
	case *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt, *ast.BranchStmt:
		f.add("drop", n.Pos(), n.End(), "")
	}
}

// swaps is what each operator is exchanged for.
var swaps = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LAND: token.LOR, token.LOR: token.LAND,
}

func (f *finder) binary(n *ast.BinaryExpr) {
	to, ok := swaps[n.Op]
	if !ok {
		return
	}
	kind := "compare"
	if n.Op == token.LAND || n.Op == token.LOR {
		kind = "logic"
	}
	f.add(kind, n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), to.String())
}

// negate makes a condition its opposite; == and != are so by another fault.
func (f *finder) negate(cond ast.Expr) {
	if cond == nil {
		return
	}
	if b, ok := cond.(*ast.BinaryExpr); ok && (b.Op == token.EQL || b.Op == token.NEQ) {
		return
	}
	f.add("negate", cond.Pos(), cond.End(), "!("+f.text(cond)+")")
}

// clause leaves a clause out; not a default that does nothing but panic.
func (f *finder) clause(c *ast.CaseClause) {
	if len(c.Body) == 1 {
		if s, ok := c.Body[0].(*ast.ExprStmt); ok {
			if call, ok := s.X.(*ast.CallExpr); ok && isIdent(call.Fun, "panic") {
				return
			}
		}
	}
	f.add("case", c.Pos(), c.End(), "")
}

// returns replaces what a return gives back by zero values. What it evaluates is evaluated
// still, so that the fault is in the values alone.
func (f *finder) returns(n *ast.ReturnStmt) {
	results := f.sigs[len(f.sigs)-1].Results
	if len(n.Results) == 0 {
		f.add("drop", n.Pos(), n.End(), "")
		return
	}
	var zeros, blanks, values []string
	for _, field := range results.List {
		for range max(1, len(field.Names)) {
			zeros = append(zeros, "*new("+f.text(field.Type)+")")
		}
	}
	changes := false
	for _, v := range n.Results {
		changes = changes || !isZero(v)
		if isIdent(v, "nil") {
			continue
		}
		values, blanks = append(values, f.text(v)), append(blanks, "_")
	}
	if !changes {
		return
	}
	if len(n.Results) == 1 { // perhaps a call with several results
		blanks = slices.Repeat([]string{"_"}, len(zeros))
	}
	f.add("zero", n.Pos(), n.End(), fmt.Sprintf("{ %s = %s; return %s }",
		strings.Join(blanks, ", "), strings.Join(values, ", "), strings.Join(zeros, ", ")))
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// isZero tells whether an expression is written as a zero value.
func isZero(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "false"
	case *ast.BasicLit:
		return e.Value == "0" || e.Value == `""`
	case *ast.CompositeLit:
		return len(e.Elts) == 0 && !isSlice(e.Type)
	}
	return false
}

func isSlice(e ast.Expr) bool {
	a, ok := e.(*ast.ArrayType)
	return ok && a.Len == nil
}

func (f *finder) text(n ast.Node) string {
	return string(f.src[f.tokens.Offset(n.Pos()):f.tokens.Offset(n.End())])
}

func (f *finder) add(kind string, from, to token.Pos, text string) {
	at := f.tokens.Position(from)
	f.out = append(f.out, fault{
		file: f.path, line: at.Line, col: at.Column, in: f.in, kind: kind,
		from: f.tokens.Offset(from), to: f.tokens.Offset(to), text: text,
	})
}
