package schema

import (
	"flag"
	"testing"

	"tailpoke/stress/report"
)

var update = flag.Bool("update", false, "write the schemas into docs/schemas")

// documents are what the command prints in JSON.
func documents() []Document {
	needs := []string{"tool", "machine", "again"}            // the command says in each of them what made it
	own := []string{"verdicts", "findings", "disagreements"} // of documents that judge a subject
	judged := func(name, title string, more ...string) Document {
		return Document{Name: name, Title: title, Parts: []any{report.Document{}}, Needs: append(more, needs...)}
	}
	all := []Document{
		judged("stress/verdict/2", "what the engines say of one subject", "subject", "seed", "verdict"),
		{
			Name: (&report.Soak{}).Schema(), Title: "what the runs of a soak came to together", Parts: []any{report.Document{}, report.Soak{}},
			Needs: append([]string{"subject", "seed", "verdict"}, needs...),
		},
		{
			Name: (&report.Findings{}).Schema(), Title: "what soaks have found, and the texts of one finding",
			Parts: []any{report.Document{}, report.Findings{}}, Maybe: []any{report.Listings{}}, Needs: needs, Without: own,
		},
		judged("stress/vm/1", "a guest whose kernel went wrong", "guest", "verdicts", "verdict"),
	}
	for _, s := range []struct {
		title   string
		section report.Section
	}{
		{"the zoo's table", &report.Mutants{}},
		{"what a search found", &report.Search{}},
		{"the regression cases, in every column", &report.Regression{}},
		{"which known faults the running kernel has", &report.Affected{}},
		{"whether a trace is a behaviour of the model", &report.TraceCheck{}},
		{"a witness that was shown again", &report.Replay{}},
		{"our images held against the kernel's", &report.Identity{}},
		{"verbs on several kernels", &report.Matrix{}},
		{"what there is to choose from", &report.Catalogue{}},
		{"what changed between two documents", &report.Diff{}},
		{"what this machine can do", &report.Doctor{}},
		{"what the command was built from", &report.About{}},
		{"machine code", &report.Listings{Of: "disasm"}},
		{"a word explained", &report.Listings{Of: "explain"}},
		{"a model for Spin", &report.Listings{Of: "promela"}},
		{"what a program returned", &report.Listings{Of: "plugin"}},
	} {
		all = append(all, Document{
			Name: s.section.Schema(), Title: s.title, Parts: []any{report.Document{}, s.section}, Needs: needs,
			Without: own,
		})
	}
	return all
}

// TestSchemas: the files in docs/schemas say what the types say.
func TestSchemas(t *testing.T) {
	for _, d := range documents() {
		if err := Hold(d, *update); err != nil {
			t.Error(err)
		}
	}
}
