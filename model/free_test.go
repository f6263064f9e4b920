package model

import (
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
)

// TestLifeFaults: how an operation lets go of what it replaces can be told from its text alone, as
// search does; the model, which explores it, finds the same.
func TestLifeFaults(t *testing.T) {
	judged := []protocol.Property{protocol.NoDoubleFree, protocol.NoEarlyFree, protocol.NoLeak}
	count := map[protocol.Property]int{}
	for _, text := range lettings(4) {
		for _, op := range []protocol.OpKind{protocol.Update, protocol.Remove} {
			s := protocol.DefaultSubject()
			e := protocol.Edit{Of: protocol.Of(op), Do: protocol.Rewrite, With: text}
			s, err := e.Apply(s)
			if err != nil {
				t.Fatal(err)
			}
			want := s.Protocol.LifeFault(op)
			count[want]++
			for _, p := range judged {
				// Another of them may end every execution before this one is broken.
				if r := check(t, s, Options{Only: p}); want == p && r.Property != p || want == "" && r.Property != "" {
					t.Errorf("%v %s: found %q of %s, want %q", op, text, r.Property, p, want)
				}
			}
		}
	}
	if len(count) != 4 {
		t.Errorf("of some kinds there is no text: %v", count)
	}
}

// lettings are the texts of up to so many steps that publish, wait and let go, in every order.
func lettings(most int) []string {
	all, last := []string{""}, []string{""}
	for range most {
		var next []string
		for _, text := range last {
			for _, step := range []string{"publish", "wait", "retire", "free"} {
				next = append(next, strings.TrimPrefix(text+"; "+step, "; "))
			}
		}
		all, last = slices.Concat(all, next), next
	}
	return all
}

// TestUnloadsLetGo: the copy that an unload takes away is freed, and once.
func TestUnloadsLetGo(t *testing.T) {
	for text, want := range map[string]protocol.Property{
		"wait; untrack; free":       "",
		"wait; untrack":             protocol.NoLeak,
		"wait; untrack; free; free": protocol.NoDoubleFree,
	} {
		s, err := protocol.Edit{Of: protocol.OfUnload, Do: protocol.Rewrite, With: text}.Apply(copies(1))
		if err != nil {
			t.Fatal(err)
		}
		if r := check(t, s, Options{}); r.Property != want {
			t.Errorf("unload %s: found %s %q, want %q", text, r.Verdict, r.Property, want)
		}
	}
}
