package table

import "testing"

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
