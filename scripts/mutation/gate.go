package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// Most faults can be built into one test binary together, each behind a gate that an environment
// variable opens: building is what takes the time. gateFile is a file that is added to their
// packages.
const (
	gateFile     = "mutation_gates.go"
	gateVariable = "MUTATION_GATE"
)

func gateSource(name string) []byte {
	return fmt.Appendf(nil, `package %s

import (
	"os"
	"strconv"
)

var mutationGate, _ = strconv.Atoi(os.Getenv(%q))

func mutationOn(gate int) bool { return gate == mutationGate }

func mutationBy(gate, n int) int {
	if gate == mutationGate {
		return n
	}
	return 0
}
`, name, gateVariable)
}

// A gated fault is one that a binary has among others.
type gated struct {
	fault
	gate    int    // from 1; what opens it
	instead string // what stands in the place of whole
}

// gate gives a fault a gate, if that is possible.
func (t *tree) gate(f fault, gate int) (gated, bool) {
	p := t.packages[packageOf(f)]
	src := p.src[f.file]
	g := gated{fault: f, gate: gate}
	was, on := f.whole.of(src), fmt.Sprintf("mutationOn(%d)", gate)
	switch {
	case f.whole == span{}:
		return g, false
	case f.kind == "negate":
		g.instead = fmt.Sprintf("((%s) != %s)", was, on)
	case f.kind == "compare", f.kind == "logic":
		is := src[f.whole.from:f.from]
		g.instead = fmt.Sprintf("func() bool { if %s { return %s%s%s }; return %s }()",
			on, is, f.text, src[f.to:f.whole.to], was)
	case f.kind == "plus", f.kind == "minus":
		by := 1
		if f.kind == "minus" {
			by = -1
		}
		g.instead = fmt.Sprintf("(%s + %s(mutationBy(%d, %d)))", was, t.literalType(p, f), gate, by)
	case f.kind == "case":
		g.instead = fmt.Sprintf("if %s { %s%s } else { %s }", on, src[f.whole.from:f.from], src[f.to:f.whole.to], was)
	case f.kind == "drop":
		g.instead = fmt.Sprintf("if !%s { %s }", on, was)
	case f.kind == "zero":
		g.instead = fmt.Sprintf("if %s %s; %s", on, f.text, was)
	}
	return g, t.check(p, f.file, withGates(src, []gated{g}), token.NewFileSet(), nil)
}

// literalType names the type that a literal has where it stands.
func (t *tree) literalType(p *pkg, f fault) string {
	if p.literals == nil {
		p.literals = map[string]string{}
		fset, info := token.NewFileSet(), &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		t.check(p, "", nil, fset, info)
		for e, tv := range info.Types {
			if lit, ok := e.(*ast.BasicLit); ok {
				p.literals[fset.Position(lit.Pos()).String()] = types.TypeString(tv.Type, func(q *types.Package) string {
					if q.Path() == t.module+"/"+p.path {
						return ""
					}
					return q.Name()
				})
			}
		}
	}
	return cmp.Or(p.literals[fmt.Sprintf("%s:%d:%d", f.file, f.line, f.col)], "int")
}

// withGates returns a file with gated faults, which do not overlap.
func withGates(src []byte, faults []gated) []byte {
	faults = slices.SortedFunc(slices.Values(faults), func(a, b gated) int { return a.whole.from - b.whole.from })
	var out []byte
	at := 0
	for _, g := range faults {
		out = append(append(out, src[at:g.whole.from]...), g.instead...)
		at = g.whole.to
	}
	return append(out, src[at:]...)
}

// overlaps tells whether a fault does with one of those given.
func overlaps(f fault, others []gated) bool {
	return slices.ContainsFunc(others, func(o gated) bool {
		return o.file == f.file && f.whole.from < o.whole.to && o.whole.from < f.whole.to
	})
}
