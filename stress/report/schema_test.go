package report

import (
	"flag"
	"testing"

	"tailpoke/internal/schema"
)

var update = flag.Bool("update", false, "write the schemas into docs/schemas")

// documents are what the command prints in JSON.
func documents() []schema.Document {
	needs := []string{"tool", "machine", "again"} // the command says in each of them what made it
	judged := func(name, title string, more ...string) schema.Document {
		return schema.Document{Name: name, Title: title, Parts: []any{Document{}}, Needs: append(more, needs...)}
	}
	all := []schema.Document{
		judged("stress/verdict/2", "what the engines say of one subject", "subject", "seed", "verdict"),
		{
			Name: (&Soak{}).Schema(), Title: "what the runs of a soak came to together", Parts: []any{Document{}, Soak{}},
			Needs: append([]string{"subject", "seed", "verdict"}, needs...),
		},
		judged("stress/vm/1", "a guest whose kernel went wrong", "guest", "verdicts", "verdict"),
	}
	for _, s := range []struct {
		title   string
		section Section
	}{
		{"the zoo's table", &Mutants{}},
		{"what a search found", &Search{}},
		{"the regression cases, in every column", &Regression{}},
		{"which known faults the running kernel has", &Affected{}},
		{"whether a trace is a behaviour of the model", &TraceCheck{}},
		{"a witness that was shown again", &Replay{}},
		{"our images held against the kernel's", &Identity{}},
		{"verbs on several kernels", &Matrix{}},
		{"what there is to choose from", &Catalogue{}},
		{"what soaks have found", &Findings{}},
		{"what changed between two documents", &Diff{}},
		{"what this machine can do", &Doctor{}},
		{"what the command was built from", &About{}},
		{"machine code", &Listings{Of: "disasm"}},
		{"a word explained", &Listings{Of: "explain"}},
		{"a model for Spin", &Listings{Of: "promela"}},
		{"what a program returned", &Listings{Of: "plugin"}},
	} {
		all = append(all, schema.Document{
			Name: s.section.Schema(), Title: s.title, Parts: []any{Document{}, s.section}, Needs: needs,
			Without: []string{"verdicts", "findings", "disagreements"},
		})
	}
	return all
}

// TestSchemas: the files in docs/schemas say what the types say.
func TestSchemas(t *testing.T) {
	for _, d := range documents() {
		if err := schema.Hold(d, *update); err != nil {
			t.Error(err)
		}
	}
}
