package table

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTable(t *testing.T) {
	tab := Table{Ruled: true, Numbered: true}
	tab.Add("step", "who", "what")
	tab.Add("1", "mutator", "publish")
	tab.Add("10", "é", "")
	tab.Add("11")
	const want = "step  who      what\n" +
		"----  -------  ----\n" +
		"   1  mutator  publish\n" +
		"  10  é\n" +
		"  11\n"
	if got := tab.String(); got != want {
		t.Errorf("\n%swant\n%s", got, want)
	}
	plain := Table{Rows: [][]string{{"a", "bb"}, {"ccc", "d", "e"}}}
	if got, want := plain.String(), "a    bb\nccc  d   e\n"; got != want {
		t.Errorf("\n%swant\n%s", got, want)
	}
}

// TestWrap: lines fit where their words do, go on below where they began, and lose no word.
func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		line  string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"short", 5, []string{"short"}},
		{"two words", 5, []string{"two", "words"}},
		{"a b c d", 3, []string{"a b", "c d"}},
		{"  in front", 7, []string{"  in", "  front"}},
		{"unbreakable", 4, []string{"unbreakable"}},
		{"an unbreakable word", 4, []string{"an", "unbreakable", "word"}},
		{"größer als", 6, []string{"größer", "als"}},
		{"gap   within it", 8, []string{"gap", "within", "it"}},
	} {
		if got := Wrap(tc.line, tc.width); !slices.Equal(got, tc.want) {
			t.Errorf("%q in %d: %q, want %q", tc.line, tc.width, got, tc.want)
		}
	}
}

// TestFold: any table of short words fits any width that holds two of its columns, and has every cell
// as often as before, but for the first column.
func TestFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := Table{Ruled: rapid.Bool().Draw(t, "ruled"), Numbered: rapid.Bool().Draw(t, "numbered")}
		columns := rapid.IntRange(1, 6).Draw(t, "columns")
		words := map[string]int{}
		for r := range rapid.IntRange(1, 5).Draw(t, "rows") {
			cells := []string{fmt.Sprint(r)}
			for c := range columns - 1 {
				var cell []string
				for w := range rapid.IntRange(0, 6).Draw(t, "words") {
					word := fmt.Sprintf("w%d.%d.%d", r, c, w)
					cell, words[word] = append(cell, word), 1
				}
				cells = append(cells, strings.Join(cell, " "))
			}
			tab.Add(cells...)
		}
		width := rapid.IntRange(12, 60).Draw(t, "width")
		text := tab.Fold(width)
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Fatalf("%d characters in %d: %q", n, width, line)
			}
		}
		for word := range words {
			if strings.Count(" "+strings.ReplaceAll(text, "\n", " ")+" ", " "+word+" ") != 1 {
				t.Fatalf("%s stands there not once:\n%s", word, text)
			}
		}
		if wide := tab.Fold(0); wide != tab.String() {
			t.Fatalf("folded to no width:\n%s", wide)
		}
	})
}
