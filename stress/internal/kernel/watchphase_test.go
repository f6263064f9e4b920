package kernel

import (
	"fmt"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

// TestPhases: what protocols and methods make of a site.
func TestPhases(t *testing.T) {
	const kernel = `
		install jump-out|nop jump-out|int3-nop jump-out|int3-jump-new jump-out|jump-new int3-out|jump-new int3-nop|jump-new nop|jump-new
		update nop|jump nop|int3-jump nop|int3-jump-new nop|jump-new
		remove nop|jump int3-nop|jump int3-out|jump jump-out|jump jump-out|int3-jump jump-out|int3-nop jump-out|nop`
	for _, c := range []struct{ protocol, method, want string }{
		{"kernel", "int3", kernel},
		{"batched", "int3", kernel},
		{"lazy", "int3", `
			install jump-out|nop jump-out|int3-nop jump-out|int3-jump-new jump-out|jump-new int3-out|jump-new int3-nop|jump-new nop|jump-new
				jump-out|jump jump-out|int3-jump
			update nop|jump nop|int3-jump nop|int3-jump-new nop|jump-new
			remove nop|jump int3-nop|jump int3-out|jump jump-out|jump`},
		{"kernel", "word", `
			install jump-out|nop jump-out|jump-new nop|jump-new
			update nop|jump nop|jump-new
			remove nop|jump jump-out|jump jump-out|nop`},
	} {
		p, err := protocol.ProtocolByName(c.protocol)
		if err != nil {
			t.Fatal(err)
		}
		m, err := protocol.MethodByName(c.method)
		if err != nil {
			t.Fatal(err)
		}
		phases, foreign := new(Watch).Coverage(p, m)
		text, last := "", ""
		for _, p := range phases {
			if p.Op != last {
				text, last = text+" "+p.Op, p.Op
			}
			text += " " + strings.Join(p.Slots, "|")
		}
		if want := strings.Join(strings.Fields(c.want), " "); strings.TrimSpace(text) != want || len(foreign) > 0 {
			t.Errorf("%s, %s:\n%s, want\n %s", c.protocol, c.method, text, want)
		}
	}
}

// TestCoverageCounts: what was read is counted with its phase; and what is none is listed.
func TestCoverageCounts(t *testing.T) {
	var w Watch
	w.counts[slotOut][slotNop][protocol.Install] = 1
	w.counts[slotNop][slotNew][protocol.Update] = 2
	w.counts[slotNop][slotOld][protocol.Update] = 3
	w.counts[slotNop][slotTrapMixed][protocol.Update] = 4 // a tail, partly written
	w.counts[slotOut][slotNop][watchIdleColumn] = 5
	w.counts[slotNop][slotNop][protocol.Remove] = 6
	w.counts[slotOut][slotOld][watchIdleColumn] = 7
	w.counts[slotTrapMixed][slotOld][protocol.Update] = 8
	w.counts[slotOut][slotOld][protocol.Remove] = 9
	phases, foreign := w.Coverage(protocol.Protocols()[0], protocol.Methods()[0])
	seen := map[string]uint64{}
	for _, p := range phases {
		if p.Seen > 0 {
			seen[p.Op+" "+strings.Join(p.Slots, "|")] = p.Seen
		}
	}
	if got := fmt.Sprint(seen); got != "map[install jump-out|nop:1 remove jump-out|jump:9 update nop|jump:3 update nop|jump-new:2]" {
		t.Error(got)
	}
	if got := fmt.Sprint(foreign); got != "[{[int3-mixed jump]  0 8 0 0} {[jump-out jump] D 0 0 0 7} {[nop nop] A 0 0 6 0}]" {
		t.Error(got)
	}
	w.Seen = w.counts.pairs(everyPair)
	const pairs = "[{[int3-mixed jump]  0 8 0 0} {[jump-out nop] C 1 0 0 5} {[jump-out jump] D 0 0 9 7}" +
		" {[nop nop] A 0 0 6 0} {[nop jump] B 0 5 0 0} {[nop int3-mixed]  0 4 0 0}]"
	if got := fmt.Sprint(w.counts.pairs(everyPair)); got != pairs {
		t.Error(got)
	}
}
