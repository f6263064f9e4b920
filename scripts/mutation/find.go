package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// A finder collects the faults of a file.
type finder struct {
	file   *ast.File
	path   string
	tokens *token.File
	src    []byte
	in     string            // the function at hand
	sigs   []*ast.FuncType   // of the functions around the node at hand
	listed map[ast.Stmt]bool // statements that stand in a list, with others before and after
	out    []fault
}

// faultsOf finds every fault that can be made in a file.
func faultsOf(fset *token.FileSet, path string, file *ast.File, src []byte) []fault {
	f := &finder{file: file, path: path, tokens: fset.File(file.Pos()), src: src, listed: map[ast.Stmt]bool{}}
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
	case *ast.BlockStmt:
		f.list(n.List)
	case *ast.CaseClause:
		f.list(n.Body)
	case *ast.CommClause:
		f.list(n.Body)
	case *ast.IfStmt:
		f.negate(n.Cond)
	case *ast.ForStmt:
		f.negate(n.Cond)
	case *ast.SwitchStmt:
		for _, c := range n.Body.List {
			c := c.(*ast.CaseClause)
			if n.Tag != nil {
				f.clause(n, c)
				continue
			}
			for _, cond := range c.List {
				f.negate(cond)
			}
		}
	case *ast.TypeSwitchStmt:
		for _, c := range n.Body.List {
			f.clause(n, c.(*ast.CaseClause))
		}
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.BasicLit:
		if n.Kind == token.INT {
			f.add("plus", n, "("+n.Value+" + 1)")
			f.add("minus", n, "("+n.Value+" - 1)")
		}
	case *ast.ReturnStmt:
		f.returns(n)
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			f.drop(n)
		}
	case *ast.ExprStmt:
		if call, ok := n.X.(*ast.CallExpr); ok && isIdent(call.Fun, "panic") {
			return
		}
		f.drop(n)
	case *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt, *ast.BranchStmt:
		f.drop(n.(ast.Stmt))
	}
}

func (f *finder) list(stmts []ast.Stmt) {
	for _, s := range stmts {
		f.listed[s] = true
	}
}

func (f *finder) drop(n ast.Stmt) {
	made := f.add("drop", n, "")
	if !f.listed[n] {
		made.whole = span{}
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
	made := f.add(kind, n, to.String())
	made.from = f.tokens.Offset(n.OpPos)
	made.to = made.from + len(n.Op.String())
	made.line, made.col = f.tokens.Line(n.OpPos), f.tokens.Position(n.OpPos).Column
}

// negate makes a condition its opposite; == and != are so by another fault.
func (f *finder) negate(cond ast.Expr) {
	if cond == nil {
		return
	}
	if b, ok := cond.(*ast.BinaryExpr); ok && (b.Op == token.EQL || b.Op == token.NEQ) {
		return
	}
	f.add("negate", cond, "!("+f.text(cond)+")")
}

// clause leaves a clause of a switch out; not a default that does nothing but panic.
func (f *finder) clause(n ast.Stmt, c *ast.CaseClause) {
	if len(c.Body) == 1 {
		if s, ok := c.Body[0].(*ast.ExprStmt); ok {
			if call, ok := s.X.(*ast.CallExpr); ok && isIdent(call.Fun, "panic") {
				return
			}
		}
	}
	f.add("case", c, "").whole = f.span(n)
}

// returns replaces what a return gives back by zero values. What it evaluates is evaluated
// still, so that the fault is in the values alone.
func (f *finder) returns(n *ast.ReturnStmt) {
	results := f.sigs[len(f.sigs)-1].Results
	if len(n.Results) == 0 {
		f.drop(n)
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
	f.add("zero", n, fmt.Sprintf("{ %s = %s; return %s }",
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

func (f *finder) span(n ast.Node) span {
	return span{f.tokens.Offset(n.Pos()), f.tokens.Offset(n.End())}
}

func (f *finder) text(n ast.Node) string { return f.span(n).of(f.src) }

// add makes a fault that replaces a node by a text.
func (f *finder) add(kind string, n ast.Node, text string) *fault {
	at := f.tokens.Position(n.Pos())
	f.out = append(f.out, fault{
		file: f.path, line: at.Line, col: at.Column, in: f.in, kind: kind,
		span: f.span(n), text: text, whole: f.span(n),
	})
	return &f.out[len(f.out)-1]
}
