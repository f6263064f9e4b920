package lint

import (
	"fmt"
	"slices"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress"
)

// rule finds what breaks it in a tree.
type rule struct {
	name string
	find func(*tree) []string
}

var rules = []rule{
	{"imports", ruleImports},
	{"rapid-in-tests-alone", ruleRapid},
	{"unsafe-in-one-package", ruleUnsafe},
	{"no-init", ruleInit},
	{"package-documents", ruleDoc},
	{"short-files", ruleLines},
	{"small-root", ruleRoot},
	{"gofmt", ruleFormat},
	{"no-machine-paths", ruleMachinePaths},
	{"pages", rulePages},
	{"slots-are-data", ruleSlotName},
	{"schemas", ruleSchemas},
}

// later are rules that the tree does not meet yet: TestRulesCanFail shows that they can fail, and
// TestTree leaves them out.
var later = []rule{
	{"narrow-lines", ruleColumns},
}

// TestTree holds the module against every rule.
func TestTree(t *testing.T) {
	tree := readTree(t)
	if len(tree.goFiles()) == 0 || len(tree.packages) == 0 {
		t.Fatalf("a tree of %d Go files and %d packages", len(tree.goFiles()), len(tree.packages))
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, fault := range r.find(tree) {
				t.Error(fault)
			}
		})
	}
}

// TestZooSaysWhatToFind: a mutant that has no expectation for an engine would make that
// engine's verdict on it worthless.
func TestZooSaysWhatToFind(t *testing.T) {
	for _, fault := range unexpected(protocol.Zoo(), stress.MutantEngines()) {
		t.Error(fault)
	}
}

// unexpected lists what mutants leave unsaid.
func unexpected(zoo []protocol.Mutant, engines []protocol.Engine) []string {
	var out []string
	var names []string
	for _, m := range zoo {
		if slices.Contains(names, m.Name) {
			out = append(out, fmt.Sprintf("two mutants are called %s", m.Name))
		}
		names = append(names, m.Name)
		for _, e := range engines {
			if m.Expect[e] == "" {
				out = append(out, fmt.Sprintf("mutant %s does not say what the %s engine must find", m.Name, e))
			}
		}
		for e := range m.Expect {
			if !slices.Contains(engines, e) {
				out = append(out, fmt.Sprintf("mutant %s expects something of %s, which is no engine", m.Name, e))
			}
		}
	}
	return out
}
