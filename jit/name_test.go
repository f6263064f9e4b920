package jit

import (
	"math/bits"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawLayout draws every fact by itself: of some no kernel has them together.
func drawLayout(t *rapid.T) *Layout {
	l := *rapid.SampledFrom(Layouts()).Draw(t, "era")
	l.Name = "mine"
	for _, o := range LayoutOptions() {
		if o.numbers == nil {
			o.set(&l, rapid.Bool().Draw(t, o.Name))
		}
	}
	l.Forms.Return = ReturnForm(rapid.IntRange(0, int(ReturnThunk)).Draw(t, "return"))
	l.Forms.Jump = JumpForm(rapid.IntRange(0, int(JumpThunk)).Draw(t, "jump"))
	if rapid.Bool().Draw(t, "other offsets") {
		l.ArrayMaxEntries = 4 * rapid.Uint32Range(0, 100).Draw(t, "max_entries")
		l.ArrayPtrs = l.ArrayMaxEntries&^7 + 8*rapid.Uint32Range(1, 100).Draw(t, "ptrs")
		l.ProgFunc = 8 * rapid.Uint32Range(0, maxProgFunc/8).Draw(t, "bpf_func")
		l.ShortJumpMax = rapid.Uint32Range(0, 127).Draw(t, "short")
	}
	if rapid.Bool().Draw(t, "faulty") {
		l.Counter.Limit = rapid.Uint32Range(0, 127).Draw(t, "limit")
		l.AdjOff = rapid.Uint8Range(0, 127).Draw(t, "landing")
	}
	return &l
}

// TestNamesSayAllFacts: every list of facts has a name, which gives them back.
func TestNamesSayAllFacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLayout(t)
		name := l.String()
		got, err := LayoutByName(name)
		if err != nil {
			t.Fatalf("%+v: %v", *l, err)
		}
		same := *got
		if same.Name = l.Name; same != *l {
			t.Fatalf("%q gives\n%+v, want\n%+v", name, same, *l)
		}
		if again := got.String(); again != name {
			t.Fatalf("%q is called %q in turn", name, again)
		}
	})
}

// TestShortestNames: the facts of an era have its name, with few options where they nearly are.
func TestShortestNames(t *testing.T) {
	for _, l := range Layouts() {
		if got := l.String(); got != l.Name {
			t.Errorf("%s is called %s", l.Name, got)
		}
	}
	for given, want := range map[string]string{
		"v7.3":                         "v7.0",
		"v7.3+ibt":                     "v7.0+ibt",
		"v5.10 with unrounded":         "v5.10+unrounded",
		"v6.12+no-reload":              "v6.13",
		"v6.12+bmi2+ibt":               "v6.12+ibt+bmi2",
		"v6.12+ibt+ibt+no-ibt":         "v6.12",
		"v7.0+no-xchg+ret-int3":        "v6.13+ret-int3",
		"v5.19+no-rcx+no-wide":         "v6.10",
		"v6.12+array=76/0x138/72":      "v6.12",
		"v6.12+array=0x4c/0x140/0x48":  "v6.12+array=0x4c/0x140/0x48",
		"v6.13+short=127+jmp-thunk":    "v6.13+jmp-thunk+short=127",
		"v6.12+jmp-thunk+jmp-lfence":   "v6.12+jmp-lfence",
		"v6.12+jmp-thunk+no-jmp-thunk": "v6.12",
		"v6.12+ibt with landing=16":    "v6.12+ibt",
		"v6.12 with landing=16":        "v6.12 with landing=16",
		"v6.12 with landing=0,limit=1": "v6.12 with limit=1, landing=0",
		"v5.10+jae+no-olddiv":          "v5.19",
	} {
		l, err := LayoutByName(given)
		if err != nil || l.Name != given || l.String() != want {
			t.Errorf("%s: %v, %v, want %s", given, l, err, want)
		}
	}
}

// TestEveryFactHasItsName changes one field at a time: no two options say the same.
func TestEveryFactHasItsName(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range LayoutOptions() {
		l := V612
		if o.numbers != nil {
			*o.numbers(&l)[0] -= 4
		} else {
			o.set(&l, !o.has(&l))
		}
		name := l.String()
		if seen[name] || l == V612 || o.Says == "" || bits.OnesCount(uint(strings.Count(name, "+"))) > 1 {
			t.Errorf("%s: %s", o.Name, name)
		}
		seen[name] = true
	}
}

// TestNamelessLayouts have facts that no name can say.
func TestNamelessLayouts(t *testing.T) {
	for _, change := range []func(*Layout){
		func(l *Layout) { l.ArrayPtrs = 1 << 20 },
		func(l *Layout) { l.ProgFunc = 0x31 },
		func(l *Layout) { l.Counter.Limit = 200 },
	} {
		l := V612
		l.Name = "mine"
		change(&l)
		if got := l.String(); got != "mine" {
			t.Errorf("%+v is called %s", l, got)
		}
	}
}

// TestWrongOptions names what is wrong, and what there is.
func TestWrongOptions(t *testing.T) {
	for name, says := range map[string]string{
		"v6.12+":                     `layout "v6.12+": no option ""`,
		"v6.12+no-":                  `no option "no-"`,
		"v6.12+cet":                  `layout "v6.12+cet": no option "cet": there are [ibt bmi2 `,
		"v6.12+arrays":               ` array=`,
		"v6.12+ibt=1":                `no option "ibt=1"`,
		"v6.12+array":                `no option "array"`,
		"v6.12+no-short=1":           `no option "no-short=1"`,
		"v6.12+array=1/2":            `option "array=1/2": want 3 numbers`,
		"v6.12+array=1/2/x":          `"x" is not a number from 0 to 4095`,
		"v6.12+array=4/0x1000/8":     `"0x1000" is not a number from 0 to 4095`,
		"v6.12+array=0x24/0x20/0x30": `want max_entries at a multiple of 4, ptrs after it at one of 8`,
		"v6.12+array=0x25/0x40/0x30": `want max_entries`,
		"v6.12+array=0x24/0x44/0x30": `want max_entries`,
		"v6.12+array=0x24/0x40/0x31": `want max_entries`,
		"v6.12+array=4/8/0x100":      `bpf_func at one of 8 up to 0xf8`,
		"v6.12+short=128":            `"128" is not a number from 0 to 127`,
		"running":                    `unknown layout "running"`,
	} {
		if _, err := LayoutByName(name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", name, err, says)
		}
	}
}
