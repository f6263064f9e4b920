package main

import (
	"slices"
	"strings"
	"testing"
)

func TestAppendLetter(t *testing.T) {
	const src = "package p\n\nimport \"fmt\"\n\ntype s struct {\n\ta int `json:\"a\"`\n}\n\n" +
		"var v = fmt.Sprintf(\"%d\\n\", 1) + `raw` + string('r')\n" +
		"var w = v == \"\" || `` != v || v + \"\" == \"b\"\n"
	const want = "package p\n\nimport \"fmt\"\n\ntype s struct {\n\ta int `json:\"a\"`\n}\n\n" +
		"var v = fmt.Sprintf(\"%d\\nx\", 1) + `rawx` + string('r')\n" +
		"var w = v == \"\" || `` != v || v + \"x\" == \"bx\"\n"
	got, n, err := appendLetter("p.go", []byte(src))
	if err != nil || n != 4 || string(got) != want {
		t.Errorf("%d literals, error %v:\n%s\nwant\n%s", n, err, got, want)
	}
}

// TestExempt: a file that is gone, or was given another name, is not exempt unnoticed.
func TestExempt(t *testing.T) {
	t.Chdir("../..")
	files := renderers()
	for name, why := range exempt {
		if slices.Contains(files, name) || why == "" {
			t.Errorf("%s is reworded, or exempt without a reason", name)
		}
	}
	all := exempt
	exempt = nil
	defer func() { exempt = all }()
	files = renderers()
	for name := range all {
		if !slices.Contains(files, name) {
			t.Errorf("%s is no file of a renderer", name)
		}
	}
}

func TestFailures(t *testing.T) {
	const out = `go: something
{"Action":"pass","Package":"m/a","Test":"TestFine"}
{"Action":"fail","Package":"m/a","Test":"TestGoldenTable/one"}
{"Action":"fail","Package":"m/a","Test":"TestGoldenTable"}
{"Action":"fail","Package":"m/a","Test":"TestExit"}
{"Action":"fail","Package":"m/a"}
{"Action":"fail","Package":"m/b"}
`
	got, err := failures(strings.NewReader(out))
	want := []failure{{"./a", "TestGoldenTable"}, {"./a", "TestExit"}, {"./b", ""}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, error %v, want %v", got, err, want)
	}
	if !got[0].golden() || got[1].golden() || got[2].golden() {
		t.Error("not the golden ones are")
	}
}
