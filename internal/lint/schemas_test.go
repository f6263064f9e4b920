package lint

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// schemaFolder has a file for each kind of documents.
const schemaFolder = "docs/schemas/"

var (
	// schemaName is a schema in quotes, as "stress/verdict/2" is.
	schemaName = regexp.MustCompile(`"stress/([a-z-]+)/([0-9]+)"`)
	// listing is a document that is named by its verb, in its first version.
	listing = regexp.MustCompile(`listed\("([a-z]+)"`)
	// outdated are named in the code that refuses them.
	outdated = []string{"witness-1"}
)

// ruleSchemas wants a file for every schema that the code names, and no other.
func ruleSchemas(t *tree) []string {
	var out, known []string
	for _, f := range t.files {
		if strings.HasPrefix(f.path, schemaFolder) {
			known = append(known, strings.TrimSuffix(path.Base(f.path), ".json"))
		}
	}
	named := slices.Clone(outdated)
	for _, f := range t.goFiles() {
		if f.isTest() || f.pkg() == "internal/schema" {
			continue
		}
		var names []string
		for _, m := range schemaName.FindAllStringSubmatch(f.text, -1) {
			names = append(names, m[1]+"-"+m[2])
		}
		for _, m := range listing.FindAllStringSubmatch(f.text, -1) {
			names = append(names, m[1]+"-1")
		}
		for _, name := range names {
			if !slices.Contains(known, name) && !slices.Contains(outdated, name) {
				out = append(out, fmt.Sprintf("%s: %s%s.json: no such file", f.path, schemaFolder, name))
			}
		}
		named = append(named, names...)
	}
	for _, name := range known {
		if !slices.Contains(named, name) {
			out = append(out, fmt.Sprintf("%s%s.json: no code names this schema", schemaFolder, name))
		}
	}
	return out
}
