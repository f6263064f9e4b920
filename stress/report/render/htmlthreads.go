package render

import (
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// A watched is what a witness has shown of its threads up to a step: registers, as far as steps
// changed them, and what each thread executed of the site that it is in. State A is a path of a
// thread, which memory never shows.
type watched struct {
	w    *witness.Witness
	regs [][]regData
	saw  [][]sawSlot
}

// A sawSlot is what a thread executed at a slot.
type sawSlot struct {
	slot protocol.Slot
	text protocol.SlotText
}

func newWatched(w *witness.Witness) *watched {
	return &watched{w: w, regs: make([][]regData, w.Threads), saw: make([][]sawSlot, w.Threads)}
}

// take takes a step over.
func (x *watched) take(s *witness.Step) {
	for t := range x.regs {
		for i := range x.regs[t] {
			x.regs[t][i].Changed = false
		}
	}
	if s.Actor.Kind != witness.Thread {
		return
	}
	t := s.Actor.Index
	switch a := &s.Action; a.Do {
	case witness.Enter, witness.Leave, witness.Back:
		x.saw[t] = nil
	case witness.Fetch, witness.Handle, witness.Torn:
		if a.Slot == 0 {
			x.saw[t] = nil
		}
		x.saw[t] = append(x.saw[t], sawSlot{a.Slot, a.Text})
	}
	if s.Action.Do == witness.Enter {
		x.regs[t] = nil
	}
	if s.Code == nil {
		return
	}
	for _, r := range s.Code.Regs {
		now := regData{r.Name, fmt.Sprintf("%#x", r.Value), true}
		at := slices.IndexFunc(x.regs[t], func(old regData) bool { return old.Name == r.Name })
		switch {
		case at < 0:
			x.regs[t] = append(x.regs[t], now)
		case x.regs[t][at].Value != now.Value:
			x.regs[t][at] = now
		}
	}
}

// threads are what a state shows of each.
func (x *watched) threads(v *witness.View) []threadData {
	var out []threadData
	for t, at := range v.Threads {
		out = append(out, threadData{
			Name: witness.Actor{Kind: witness.Thread, Index: t}.String(), At: Printable(x.w.Stands(at)),
			Saw: x.path(t), Regs: slices.Clone(x.regs[t]),
		})
	}
	return out
}

// path says what a thread executed at the slots of a site, and which state that is.
func (x *watched) path(t int) string {
	var words []string
	var contents []protocol.Content
	for _, s := range x.saw[t] {
		words = append(words, s.slot.String()+" "+x.w.Holds(s.text))
		if c, whole := s.text.Content(); whole {
			contents = append(contents, c)
		}
	}
	text := Printable(strings.Join(words, ", "))
	site := protocol.TailCall()
	if len(contents) != len(site.Slots) || len(words) != len(contents) {
		return text
	}
	text += ": state " + site.StateOf(contents...).String()
	for _, p := range site.Forbidden {
		if slices.Equal(p.Through, contents) {
			text += ", forbidden"
		}
	}
	return text
}

// align says in the states of two engines' counterexamples what the other engine's memory holds at the
// same step. Steps are the same that read alike; the longest list of such pairs, in order, counts.
func (p *htmlPage) align() {
	var both []*htmlPart
	for i := range p.Parts {
		if p.Parts[i].Witness != nil {
			both = append(both, &p.Parts[i])
		}
	}
	if len(both) != 2 {
		return
	}
	a, b := both[0].Witness, both[1].Witness
	pairs := common(a.words, b.words)
	a.beside(b, b.Engine, pairs)
	for i := range pairs {
		pairs[i][0], pairs[i][1] = pairs[i][1], pairs[i][0]
	}
	b.beside(a, a.Engine, pairs)
}

// beside notes in each state what the other counterexample shows after the last pair of steps before.
func (h *htmlWitness) beside(other *htmlWitness, engine string, pairs [][2]int) {
	step, next := 0, 0
	for i := range h.States {
		same := next < len(pairs) && pairs[next][0]+1 == i
		if same {
			step = pairs[next][1] + 1
			next++
		}
		h.States[i].Other = &otherData{engine, step, same, other.States[step].Sites}
	}
}

// common are the pairs of a longest common subsequence, as indices.
func common(a, b []string) [][2]int {
	longest := make([][]int, len(a)+1) // of what begins there
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if longest[i][j] = max(longest[i+1][j], longest[i][j+1]); a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			}
		}
	}
	var out [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}
