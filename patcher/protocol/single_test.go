package protocol

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSingleEdits lists every edit of a small subject. Among them is none that makes no protocol
// or no method (it must write the whole instruction), none twice, and none that changes nothing.
func TestSingleEdits(t *testing.T) {
	p, err := ParseProtocol("protocol small\n install publish; each { target=jump; bypass=nop }\n" +
		" update retire; retire\n remove wait; free\n")
	if err != nil {
		t.Fatal(err)
	}
	s := DefaultSubject()
	s.Protocol = p
	var got []string
	for _, e := range SingleEdits(s) {
		got = append(got, e.String())
	}
	want := []string{
		"install: drop publish",
		"install: double publish",
		"install: swap publish and each { target=jump; bypass=nop }",
		"install: drop each { target=jump; bypass=nop }",
		"install: double each { target=jump; bypass=nop }",
		"install: drop target=jump",
		"install: double target=jump",
		"install: swap target=jump and bypass=nop",
		"install: drop bypass=nop",
		"install: double bypass=nop",
		"update: drop retire", // both
		"update: double retire",
		"remove: drop wait",
		"remove: double wait",
		"remove: swap wait and free",
		"remove: drop free",
		"remove: double free",
		"method: rewrite as sync; tail; sync; head=new; sync",
		"method: rewrite as head=int3; tail; sync; head=new; sync",
		"method: rewrite as sync; head=int3; tail; sync; head=new; sync",
		"method: rewrite as head=int3; tail; sync; sync; head=new; sync",
		"method: rewrite as head=int3; sync; tail; head=new; sync",
		"method: rewrite as head=int3; sync; sync; tail; head=new; sync",
		"method: rewrite as head=int3; sync; tail; head=new; sync; sync",
		"method: rewrite as head=int3; sync; tail; sync; head=new",
		"method: rewrite as head=int3; sync; tail; sync; sync; head=new",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
