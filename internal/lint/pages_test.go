package lint

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Pages are what people read beside code. What they name must be there.
var (
	linkPattern = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codePattern = regexp.MustCompile("`([^`\n]+)`")
	pathPattern = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+/?$`)
	// namePattern is an exported name, with its package or without.
	namePattern = regexp.MustCompile(`^(?:([a-z]+)\.)?([A-Z]\w*[a-z]\w*)$`)
	// schemaPattern looks like a path: stress/verdict/1.
	schemaPattern = regexp.MustCompile(`^stress/\w+/\d+$`)
)

// isPage says whether a file is one of the pages. A changelog names what is gone.
func isPage(f *file) bool {
	return strings.HasSuffix(f.path, ".md") && f.path != "CHANGELOG.md" && !f.isFixture()
}

// rulePages wants every page to name files, headings and identifiers that exist, in lines that
// fit a screen.
func rulePages(t *tree) []string {
	var out []string
	declared := t.declared()
	for _, f := range t.files {
		if !isPage(f) {
			continue
		}
		for i, line := range strings.Split(f.text, "\n") {
			if wide(line) {
				out = append(out, fmt.Sprintf("%s:%d: more than 100 columns of prose", f.path, i+1))
			}
			for _, fault := range t.unknown(f, line, declared) {
				out = append(out, fmt.Sprintf("%s:%d: %s", f.path, i+1, fault))
			}
		}
	}
	return out
}

// wide says that a line of prose is too long. Tables and blocks of output may be wider.
func wide(line string) bool {
	return utf8.RuneCountInString(line) > 100 && !strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "    ")
}

// unknown lists what a line of a page names and the tree does not have.
func (t *tree) unknown(page *file, line string, declared map[string]bool) []string {
	var out []string
	for _, m := range linkPattern.FindAllStringSubmatch(line, -1) {
		if fault := t.deadLink(page, m[1]); fault != "" {
			out = append(out, fault)
		}
	}
	var words []string
	if strings.HasPrefix(line, "    ") { // commands
		words = strings.Fields(line)
	}
	for _, m := range codePattern.FindAllStringSubmatch(line, -1) {
		words = append(words, strings.Fields(m[1])...)
		name := namePattern.FindStringSubmatch(m[1])
		if name != nil && !declared[name[2]] && (name[1] == "" || t.hasPackage(name[1])) {
			out = append(out, m[1]+": no Go file declares it")
		}
	}
	for _, w := range words {
		w = strings.TrimPrefix(w, "./")
		if pathPattern.MatchString(w) && !schemaPattern.MatchString(w) && t.has(strings.Split(w, "/")[0]) && !t.has(w) {
			out = append(out, w+": no such file")
		}
	}
	return out
}

// deadLink says what is wrong with a link; "" if nothing is, or if it leads out of the tree.
func (t *tree) deadLink(page *file, link string) string {
	if strings.Contains(link, "://") {
		return ""
	}
	name, heading, _ := strings.Cut(link, "#")
	to := page
	if name != "" {
		name = path.Join(path.Dir(page.path), name)
		if !t.has(name) {
			return link + ": no such file"
		}
		i := slices.IndexFunc(t.files, func(f *file) bool { return f.path == name })
		if i < 0 || heading == "" {
			return ""
		}
		to = t.files[i]
	}
	if !slices.Contains(anchors(to.text), heading) {
		return link + ": no such heading"
	}
	return ""
}

// anchors lists the headings of a page as links name them.
func anchors(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if title := strings.TrimLeft(line, "#"); title != line && strings.HasPrefix(title, " ") {
			title = strings.ToLower(strings.TrimSpace(title))
			title = regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(title, "")
			out = append(out, strings.ReplaceAll(title, " ", "-"))
		}
	}
	return out
}

// has says whether there is a file or a folder of that path.
func (t *tree) has(name string) bool {
	name = strings.TrimSuffix(name, "/")
	return slices.ContainsFunc(t.files, func(f *file) bool {
		return f.path == name || strings.HasPrefix(f.path, name+"/")
	})
}

// hasPackage says whether there is a package of that name. Other names are the library's.
func (t *tree) hasPackage(name string) bool {
	return slices.ContainsFunc(t.goFiles(), func(f *file) bool { return f.ast.Name.Name == name })
}

// declared has the names of the functions, methods, types, values and fields of all Go files.
func (t *tree) declared() map[string]bool {
	out := map[string]bool{}
	for _, f := range t.goFiles() {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				out[n.Name.Name] = true
			case *ast.TypeSpec:
				out[n.Name.Name] = true
			case *ast.ValueSpec:
				for _, name := range n.Names {
					out[name.Name] = true
				}
			case *ast.Field:
				for _, name := range n.Names {
					out[name.Name] = true
				}
			}
			return true
		})
	}
	return out
}
