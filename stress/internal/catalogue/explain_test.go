package catalogue

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/judge"
	"tailpoke/stress/internal/live"
)

// TestExplainAll: whatever the catalogue lists has a page, with its text and its kind.
func TestExplainAll(t *testing.T) {
	for _, k := range All().Kinds {
		if len(k.Items) == 0 {
			t.Errorf("no %s", k.Kind)
		}
		for _, it := range k.Items {
			page, err := Explain(strings.ToUpper(it.Name))
			first, _, _ := strings.Cut(it.Text, "\n")
			if err != nil || !strings.Contains(page, it.Name+" ("+k.Kind+")") || !strings.Contains(page, first) {
				t.Errorf("%s: %v\n%s", it.Name, err, page)
			}
		}
	}
}

// TestExplains: a page says what belongs to its name.
func TestExplains(t *testing.T) {
	for name, wants := range map[string][]string{
		"never-a":  {"model machine cpu kernel steered\n", "no-grace early-grace", "break it:\n  a\n"},
		"no-miss":  {"Judged by these engines:\n  model cpu kernel steered\n"},
		"a":        {"bypass=nop, target=nop: unwinds, then falls through. Forbidden: it breaks never-a", "(findings)"},
		"B":        {"bypass=nop, target=jump: unwinds, then tail call\n"},
		"vacuous":  {"Run longer"},
		"no-grace": {"stress mutants no-grace"},
		"lazy":     {"stress run --protocol lazy", "the mutant lazy-remove, which is safe: "},
		"kernel-7.0": {
			"reader   sleepable: tasks-trace", "the mutant sleepable-readers, which breaks never-a: removal waits for synchronize_rcu alone",
			"from 0f0c332992b8", "stress run --protocol kernel-7.0",
		},
		"safe":       {"no execution within the bounds"},
		"retire":     {"frees the replaced program after a grace period"},
		"Bypass":     {"bypass=nop: unwinds", "bypass=jump: skips the site"},
		"not-forced": {"a step needs a stale fetch"},
		"epoch":      {"stress run --grace epoch"},
		"ibt":        {"endbr64 at the start", "stress run --layout v6.12+ibt"},
	} {
		page, err := Explain(name)
		for _, want := range wants {
			if err != nil || !strings.Contains(page, want) {
				t.Errorf("%s: %v\n%s\nwants %q", name, err, page, want)
			}
		}
	}
	if _, err := Explain("never"); err == nil || !strings.Contains(err.Error(), "near are never-") {
		t.Errorf("%v", err)
	}
}

// TestEverythingIsNamed: each property, verdict, state and class has a text, and verdicts have advice.
func TestEverythingIsNamed(t *testing.T) {
	texts := map[string]string{}
	for _, k := range All().Kinds {
		for _, it := range k.Items {
			texts[k.Kind+" "+it.Name] = it.Text
		}
	}
	for _, p := range protocol.Properties() {
		if texts["properties "+string(p)] == "" || len(judgesOf(p)) == 0 && p != protocol.KernelLives {
			t.Errorf("property %s: %q, judged by %v", p, texts["properties "+string(p)], judgesOf(p))
		}
	}
	for _, it := range verdicts() {
		if verdictAdvice[protocol.Verdict(it.Name)] == "" {
			t.Errorf("verdict %s: no advice", it.Name)
		}
	}
	for k := range protocol.Unknown + 1 {
		if k != protocol.Poke && texts["steps "+k.String()] == "" { // a poke has its slot's name
			t.Errorf("no step %s", k)
		}
	}
	for _, c := range live.Classes() {
		if texts["findings "+string(c)] == "" {
			t.Errorf("no finding %s", c)
		}
	}
}

// TestPageOfVerdicts: the page of verdicts and properties has these texts, and no others.
func TestPageOfVerdicts(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/verdicts.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for _, it := range properties() {
		if row := fmt.Sprintf("\n| `%s` | %s |\n", it.Name, it.Text); !strings.Contains(page, row) {
			t.Errorf("no row %s", row)
		}
	}
	for _, it := range verdicts() {
		_, row, _ := strings.Cut(page, "\n| `"+it.Name+"` | ")
		row, _, _ = strings.Cut(row, "\n")
		if !strings.HasSuffix(row, " | "+it.Text+" |") {
			t.Errorf("%s: %q, want %q", it.Name, row, it.Text)
		}
	}
	for _, e := range judge.Engines() {
		if got := judgedOnPage(page, string(e.Name())); !slices.Equal(got, sorted(e.Properties())) {
			t.Errorf("%s: the page says %q, want %q", e.Name(), got, e.Properties())
		}
	}
}

// judgedOnPage are the properties that the page says an engine judges.
func judgedOnPage(page, engine string) []protocol.Property {
	_, table, _ := strings.Cut(page, "\n| engine | judges |\n")
	for row := range strings.Lines(table) {
		cells := strings.Split(row, " | ")
		if len(cells) < 2 || !slices.Contains(strings.Split(strings.TrimPrefix(cells[0], "| "), ", "), engine) {
			continue
		}
		said, _, _ := strings.Cut(cells[1], ";")
		var named []protocol.Property
		for i, word := range strings.Split(said, "`") {
			if i%2 == 1 {
				named = append(named, protocol.Property(word))
			}
		}
		if strings.HasPrefix(said, "all but ") {
			return sorted(slices.DeleteFunc(protocol.Properties(), func(p protocol.Property) bool { return slices.Contains(named, p) }))
		}
		return sorted(named)
	}
	return nil
}

func sorted(ps []protocol.Property) []protocol.Property {
	return slices.Compact(slices.Sorted(slices.Values(ps)))
}
