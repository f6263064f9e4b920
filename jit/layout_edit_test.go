package jit

import (
	"strings"
	"testing"
)

func TestFaultyLayouts(t *testing.T) {
	l, err := LayoutByName("v5.10 with unrounded, limit=34,landing=0")
	if err != nil {
		t.Fatal(err)
	}
	want := V510
	want.Name, want.UnroundedReload, want.Counter.Limit, want.AdjOff = l.Name, true, 34, 0
	if *l != want || V510.UnroundedReload {
		t.Errorf("%+v", l)
	}
	for name, says := range map[string]string{
		"v4.2":                      `unknown layout "v4.2"`,
		"v5.10 with":                `unknown layout "v5.10 with"`,
		"v5.10 with flair":          `"flair" is none of`,
		"v5.10 with limit":          `"limit" is none of`,
		"v5.10 with unrounded=1":    `"unrounded=1" is none of`,
		"v5.10 with limit=128":      "128 is not a number",
		"v5.10 with limit=1, other": `"other" is none of`,
	} {
		if _, err := LayoutByName(name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
