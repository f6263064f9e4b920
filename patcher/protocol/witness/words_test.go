package witness

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

// small is an execution of one site that breaks a property with its last step. Programs have no
// names, and there is a copy of the caller that is not loaded at first.
func small() *Witness {
	nop := protocol.SlotText{Head: protocol.HeadNop, Tail: protocol.NopTail}
	torn := protocol.SlotText{Head: protocol.HeadTorn, Tail: protocol.AnyTail}
	view := func(from, to protocol.State, first protocol.SlotText, gone bool, at Place) View {
		return View{
			Threads: []Position{{Place: at, Program: None, Off: None}},
			Sites:   []SiteView{{Slots: []SlotView{{SlotText: first}, {SlotText: nop}}, From: from, To: to, Gone: gone}},
		}
	}
	enter, tears := Act(Enter), Act(Torn)
	tears.Site = 0
	return &Witness{
		Property: protocol.NoTorn, Text: "executes bytes that never were an instruction of this slot, nor of another one, nor any at all",
		Threads: 1, Agents: []Actor{{}}, Sites: []Site{{}}, Start: view('C', 'C', nop, true, Idle),
		Steps: []Step{
			{Choice: Choice{Actor: Actor{Kind: Thread}, Action: enter}, View: view('B', 'D', torn, false, Entering)},
			{Choice: Choice{Actor: Actor{Kind: Thread}, Action: tears}, View: view('A', 'A', torn, false, AtSlot)},
		},
	}
}

// TestGoldenSmall has a last step that is no round, torn bytes, and a sentence that is wider than the
// steps.
func TestGoldenSmall(t *testing.T) {
	golden(t, "small.svg", string(small().SVG("a protocol")))
	golden(t, "small.txt", small().String())
}

// TestGoldenDrawingsHold: all that is drawn lies within the drawing, one lane below the other.
func TestGoldenDrawingsHold(t *testing.T) {
	for title, w := range map[string]*Witness{
		"short": everything(), strings.Repeat("long ", 100): small(), "sourced": sourced(at("/a.c", 1, strings.Repeat("long ", 20)), at("/a.c", 2, "x;"), at("/a.c", 3, "y;")),
	} {
		var width, height int
		boxes := map[[2]int]bool{}
		var text [2]int // where the text begins that is read next
		down := 0       // where the rows of columns begin
		d := xml.NewDecoder(strings.NewReader(string(w.SVG(title))))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			switch e := token.(type) {
			case xml.StartElement:
				at := map[string]int{}
				for _, a := range e.Attr {
					at[a.Name.Local], _ = strconv.Atoi(a.Value)
					if a.Name.Local == "transform" {
						if _, err := fmt.Sscanf(a.Value, "translate(0,%d)", &down); err != nil {
							t.Fatal(err)
						}
					}
					if a.Value == "legend" || a.Value == "fault" { // after the rows
						down = 0
					}
				}
				at["y"] += down
				switch e.Name.Local {
				case "svg":
					width, height = at["width"], at["height"]
				case "rect":
					place := [2]int{at["x"], at["y"]}
					if boxes[place] && place != [2]int{} || at["x"]+at["width"] > width || at["y"]+at["height"] > height {
						t.Errorf("a box at %v of %d by %d", place, at["width"], at["height"])
					}
					boxes[place] = true
				case "text":
					text = [2]int{at["x"], at["y"]}
				default:
					text = [2]int{}
				}
			case xml.CharData:
				if n := len(strings.TrimSpace(string(e))); n > 0 && text != [2]int{} && (text[0]+7*n > width || text[1] > height) {
					t.Errorf("%q at %v does not fit into %d by %d", e, text, width, height)
				}
			case xml.EndElement:
				text = [2]int{}
			}
		}
	}
}

// TestGoldenWords: what is not there is not named, and a program without a name has its number.
func TestGoldenWords(t *testing.T) {
	nop := protocol.SlotText{Head: protocol.HeadNop, Tail: protocol.NopTail}
	one, two := small(), small()
	two.Sites, two.Programs = append(two.Sites, Site{Number: 3, In: "f"}), []string{"main"}
	for want, is := range map[string]struct {
		w   *Witness
		do  Do
		set func(*Action)
	}{
		"mutator: remove key 4: called":                             {one, Call, func(a *Action) { a.Op, a.Key = protocol.Remove, 4 }},
		"mutator: update key 4 to p0: called":                       {one, Call, func(a *Action) { a.Op, a.Key, a.Prog = protocol.Update, 4, 0 }},
		"mutator: update key 4 to main: called":                     {two, Call, func(a *Action) { a.Op, a.Key, a.Prog = protocol.Update, 4, 0 }},
		"mutator: publish nothing":                                  {two, Publish, func(a *Action) {}},
		"mutator: publish p1":                                       {two, Publish, func(a *Action) { a.Prog = 1 }},
		"mutator: reads key 2: empty, falls through":                {two, Read, func(a *Action) { a.Key = 2 }},
		"mutator: no site: reads key 2: empty":                      {two, LookUp, func(a *Action) { a.Key = 2 }},
		"mutator: f's site 3: reads key 2: main":                    {two, LookUp, func(a *Action) { a.Key, a.Prog, a.Site = 2, 0, 1 }},
		"mutator: retire main: the key was given it anew":           {two, Retire, func(a *Action) { a.Prog, a.Same = 0, true }},
		"mutator: free main, forgets thread 5":                      {two, Free, func(a *Action) { a.Prog, a.Thread = 0, 5 }},
		"mutator: enters copy 7":                                    {two, Enter, func(a *Action) { a.Copy = 7 }},
		"mutator: enters copy 7 as sleepable":                       {two, Enter, func(a *Action) { a.Copy, a.Reader = 7, "sleepable" }},
		"mutator: wait rcu: begins, forgets thread 1":               {two, Wait, func(a *Action) { a.Grace, a.Thread = protocol.RCU, 1 }},
		"mutator: wait: begins":                                     {two, Wait, func(a *Action) {}},
		"mutator: wait srcu: skipped, no byte changed":              {two, NoWait, func(a *Action) { a.Grace = protocol.SRCU }},
		"mutator: retire main after tasks-trace":                    {two, Retire, func(a *Action) { a.Prog, a.Grace = 0, protocol.TasksTrace }},
		"mutator: executes in copy 7":                               {two, Gone, func(a *Action) { a.Copy, a.Prog = 7, 0 }},
		"mutator: executes in main":                                 {two, Gone, func(a *Action) { a.Prog = 0 }},
		"mutator: target nop: falls through":                        {one, Fetch, func(a *Action) { a.Site, a.Slot, a.Text = 0, protocol.Target, nop }},
		"mutator: f's site 3 target nop: falls through":             {two, Fetch, func(a *Action) { a.Site, a.Slot, a.Text = 1, protocol.Target, nop }},
		"mutator: bypass int3: traps":                               {one, Trap, func(a *Action) { a.Site = 0 }},
		"mutator: runs in main, which returns to before f's site 3": {two, Back, func(a *Action) { a.Prog, a.Site = 0, 1 }},
	} {
		c := Choice{Action: Act(is.do)}
		is.set(&c.Action)
		if got := is.w.ChoiceWords(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
