package protocol

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// ignoreLines compares traces by what they say.
var ignoreLines = cmpopts.IgnoreUnexported(Trace{})

func genItem() *rapid.Generator[Item] {
	return rapid.Custom(func(t *rapid.T) Item {
		index := rapid.IntRange(0, maxIndex-1)
		it := Item{
			Kind:  ItemKind(rapid.IntRange(0, int(Omitted)).Draw(t, "kind")),
			Event: Event{Key: index.Draw(t, "key"), Desc: NoDesc}, Prog: AnyProg,
		}
		switch it.Kind {
		case Saw:
			it.Desc = index.Draw(t, "site")
			which := rapid.IntRange(1, 3).Draw(t, "slots")
			for s := range Slots {
				if which>>s&1 != 0 {
					it.Seen[s] = genRaw(Slot(s)).Draw(t, "raw")
				}
			}
		case Has:
			it.Most = index.Draw(t, "most")
			it.Least = rapid.IntRange(0, it.Most).Draw(t, "least")
		case Omitted:
			it.Most = index.Draw(t, "most")
			it.Least = rapid.IntRange(0, it.Most).Draw(t, "least")
			it.Count = rapid.IntRange(0, maxProgram-1).Draw(t, "count")
			it.Prog = rapid.SampledFrom([]int{NoProg, 0, maxProgram - 1}).Draw(t, "program")
		default:
			genEvent(t, &it)
		}
		it.At = rapid.Int64Range(0, math.MaxInt64-1).Draw(t, "at")
		return it
	})
}

func genEvent(t *rapid.T, it *Item) {
	it.Op = OpKind(rapid.IntRange(0, OpKinds-1).Draw(t, "op"))
	it.Event.Kind = EventKind(rapid.IntRange(0, int(Freed)).Draw(t, "event"))
	switch it.Event.Kind {
	case Called:
		if it.Op.Gives() {
			it.Prog = rapid.IntRange(AnyProg, maxProgram-1).Draw(t, "program")
		}
	case Returned:
	case Poked:
		it.Desc = rapid.IntRange(0, maxIndex-1).Draw(t, "site")
		it.Slot = Slot(rapid.IntRange(0, 1).Draw(t, "slot"))
		it.To = Content(rapid.IntRange(0, 1).Draw(t, "to"))
		it.Changed = rapid.Bool().Draw(t, "changed")
	default:
		it.Desc = rapid.IntRange(NoDesc, maxIndex-1).Draw(t, "site")
	}
}

func genRaw(s Slot) *rapid.Generator[SlotText] {
	all := []SlotText{
		{HeadNop, NopTail}, {HeadTorn, AnyTail}, {HeadJump, AnyTail},
		{HeadTrap, AnyTail}, {HeadTrap, NopTail}, {HeadTrap, MixedTail},
	}
	if s == Bypass {
		return rapid.SampledFrom(append(all, SlotText{HeadJump, OutTail}, SlotText{HeadTrap, OutTail}))
	}
	return rapid.SampledFrom(append(all, SlotText{HeadJump, 0}, SlotText{HeadTrap, maxProgram - 1}))
}

func genTrace() *rapid.Generator[Trace] {
	return rapid.Custom(func(t *rapid.T) Trace {
		tr := Trace{Items: rapid.SliceOfN(genItem(), 0, 20).Draw(t, "items")}
		if rapid.Bool().Draw(t, "some") {
			tr.Records = []EventKind{Returned, Called}
			for k := Published; k <= Freed; k++ {
				if rapid.Bool().Draw(t, k.String()) {
					tr.Records = append(tr.Records, k)
				}
			}
		}
		return tr
	})
}

func TestTraceRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := genTrace().Draw(t, "trace")
		got, err := ParseTrace(tr.String())
		if err != nil {
			t.Fatalf("%v in\n%v", err, tr)
		}
		if diff := cmp.Diff(tr, got, ignoreLines, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("-printed +parsed\n%s", diff)
		}
	})
}

const traceText = `# a comment
records called returned poked

key 0 has 2 to 4 sites   # another
	key 3 install called p12
key 3 install called
key 0 update poked site 1 target=jump unchanged
key 0 remove called
key 0 saw site 0 bypass=int3-out target=jump-p12
key 0 remove wait-skipped site 0
key 0 remove waited at 1200
key 0 omitted 3 operations has 1 sites holds nothing
`

// TestOneSite: one site is printed in the singular. Older traces have the plural.
func TestOneSite(t *testing.T) {
	for _, text := range []string{"key 0 has 1 site", "key 0 has 1 sites"} {
		tr, err := ParseTrace(text)
		if err != nil || len(tr.Items) != 1 || tr.Items[0].String() != "key 0 has 1 site" {
			t.Errorf("%s: %v, %v", text, tr, err)
		}
	}
}

func TestParseTrace(t *testing.T) {
	got, err := ParseTrace(traceText)
	if err != nil {
		t.Fatal(err)
	}
	none := Event{Desc: NoDesc}
	event := func(e Event, prog int) Item { return Item{Event: e, Prog: prog} }
	want := Trace{
		Records: []EventKind{Called, Returned, Poked},
		Items: []Item{
			{Kind: Has, Event: none, Prog: AnyProg, Least: 2, Most: 4},
			event(Event{Kind: Called, Op: Install, Key: 3, Desc: NoDesc}, 12),
			event(Event{Kind: Called, Op: Install, Key: 3, Desc: NoDesc}, AnyProg),
			event(Event{Kind: Poked, Op: Update, Desc: 1, Slot: Target, To: Jump}, AnyProg),
			event(Event{Kind: Called, Op: Remove, Desc: NoDesc}, AnyProg),
			{Kind: Saw, Event: Event{}, Prog: AnyProg,
				Seen: [Slots]SlotText{{HeadTrap, OutTail}, {HeadJump, 12}}},
			event(Event{Kind: WaitSkipped, Op: Remove}, AnyProg),
			{Event: Event{Kind: Waited, Op: Remove, Desc: NoDesc}, Prog: AnyProg, At: 1200},
			{Kind: Omitted, Event: none, Prog: NoProg, Least: 1, Most: 1, Count: 3},
		},
	}
	if diff := cmp.Diff(want, got, ignoreLines); diff != "" {
		t.Errorf("-want +parsed\n%s", diff)
	}
	var lines []int
	for i := range got.Items {
		lines = append(lines, got.Line(i))
	}
	if !slices.Equal(lines, []int{4, 5, 6, 7, 8, 9, 10, 11, 12}) || got.Line(9) != 0 {
		t.Errorf("lines %v", lines)
	}
	if got.Recorded(Waited) || !got.Recorded(Poked) || !(Trace{}).Recorded(Waited) {
		t.Error("what was recorded")
	}
}

var traceErrors = []struct{ text, want string }{
	{"key", `1:4: expected a key (0 to 65535), found the end of the text`},
	{"\nkey 00 has 1 sites", `2:5: expected a key (0 to 65535), found "00"`},
	{"key 65536 has 1 sites", `1:5: expected a key (0 to 65535), found "65536"`},
	{"site 0", `1:1: expected "key", found "site"`},
	{"key 0 loaded", `1:7: expected install, update, remove, saw, has or omitted, found "loaded"`},
	{"key 0 load called", `1:7: expected install, update, remove, saw, has or omitted, found "load"`},
	{"key 0 install",
		`1:14: expected an event (called, returned, published, poked, waited, wait-skipped, retired, freed), found the end of the text`},
	{"key 0 install called 7", `1:22: expected a program (p0 to p2147483647), found "7"`},
	{"key 0 remove called p7", `1:21: expected the end of the line, found "p7"`},
	{"key 0 install returned p7", `1:24: expected the end of the line, found "p7"`},
	{"key 0 install poked", `1:20: expected "site", found the end of the text`},
	{"key 0 install poked site 1 bypass", `1:34: expected "=", found the end of the text`},
	{"key 0 install poked site 1 bypass=jump-out", `1:35: expected nop or jump, found "jump-out"`},
	{"key 0 has 2 to 2 sites", `1:13: 2 to 2 sites: the second number must be the greater one`},
	{"key 0 omitted 2", `1:16: expected "operations", found the end of the text`},
	{"key 0 omitted 2 operations has 1 sites holds",
		`1:45: expected a program (p0 to p2147483647), found the end of the text`},
	{"key 0 has 2", `1:12: expected "sites", found the end of the text`},
	{"key 0 saw site 1", `1:17: expected bypass or target, found the end of the text`},
	{"key 0 saw site 1 bypass=nop bypass=nop", `1:29: bypass stands twice`},
	{"key 0 saw site 1 bypass=jump-p1",
		`1:25: expected what a bypass holds (nop, jump, jump-out, int3, int3-nop, int3-out, int3-mixed or torn), found "jump-p1"`},
	{"key 0 saw site 1 target=jump-out",
		`1:25: expected what a target holds (nop, jump, jump-p0, int3, int3-nop, int3-p0, int3-mixed or torn), found "jump-out"`},
	{"key 0 saw site 1 target=nop-p1",
		`1:25: expected what a target holds (nop, jump, jump-p0, int3, int3-nop, int3-p0, int3-mixed or torn), found "nop-p1"`},
	{"key 0 saw site 1 target=jump-nop",
		`1:25: expected what a target holds (nop, jump, jump-p0, int3, int3-nop, int3-p0, int3-mixed or torn), found "jump-nop"`},
	{"key 0 has 1 sites\nrecords called returned",
		`2:1: records must stand before everything else, and once`},
	{"records called returned\nrecords called returned",
		`2:1: records must stand before everything else, and once`},
	{"key 0 install called at", `1:24: expected nanoseconds (0 to 9223372036854775806), found the end of the text`},
	{"key 0 install called at 5 p7", `1:27: expected the end of the line, found "p7"`},
	{"records called", `1:1: without called and returned nothing is known of a trace`},
	{"records called called", `1:16: "called" stands twice`},
	{"records called loaded",
		`1:16: expected an event (called, returned, published, poked, waited, wait-skipped, retired, freed), found "loaded"`},
	{"key 0 remove called\nkey ?", `2:5: unexpected character '?'`},
}

func TestTraceErrors(t *testing.T) {
	for _, c := range traceErrors {
		_, err := ParseTrace(c.text)
		var se *SyntaxError
		if !errors.As(err, &se) || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
		if err != nil {
			checkPlace(t, c.text, err)
		}
	}
}

// TestTraceMayBeLong: a recording is longer than other texts.
func TestTraceMayBeLong(t *testing.T) {
	const n = 60_000
	tr, err := ParseTrace(strings.Repeat("key 0 remove called\n", n))
	if err != nil || len(tr.Items) != n || n*len("key 0 remove called\n") <= maxText {
		t.Errorf("%d items, %v", len(tr.Items), err)
	}
}

func FuzzParseTrace(f *testing.F) {
	f.Add(traceText)
	for _, c := range traceErrors {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tr, err := ParseTrace(text)
		if err != nil {
			checkPlace(t, text, err)
			return
		}
		again, err := ParseTrace(tr.String())
		if err != nil {
			t.Fatalf("%v in\n%v", err, tr)
		}
		if diff := cmp.Diff(tr, again, ignoreLines, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("-read +printed and read\n%s", diff)
		}
	})
}
