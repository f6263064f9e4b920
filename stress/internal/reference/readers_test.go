package reference

import (
	"regexp"
	"strings"
)

// A kinds is what a text may say of readers, with what waits for all of them.
type kinds struct {
	lines string
	waits []string // by step, or by several
	drop  string   // what lets go of a program when nobody is inside
}

var someKinds = []kinds{
	{"reader a: rcu, tasks-trace\n  reader b: tasks-trace", []string{"wait tasks-trace", "wait rcu; wait tasks-trace"},
		"retire tasks-trace"},
	{"reader a: rcu\n  reader b: srcu", []string{"wait rcu; wait srcu", "wait srcu; wait rcu"},
		"wait rcu; wait srcu; free"},
	{"reader a: epoch\n  reader b: rcu", []string{"wait; wait rcu", "wait rcu; wait epoch"}, "wait; retire rcu"},
	{"reader a: srcu", []string{"wait srcu"}, "retire srcu"},
	{"", []string{"wait", "wait epoch"}, "retire epoch"},
}

// allWaits finds the steps that wait for a grace period, and allRetires those that let it be waited
// for.
var (
	allWaits   = regexp.MustCompile(`wait( if changed)?`)
	allRetires = regexp.MustCompile(`retire`)
)

// withReaders gives a text kinds of readers, and its steps the grace periods of these: mostly of all
// of them.
func (g generator) withReaders(text string) string {
	of := pick(g, someKinds...)
	text = allRetires.ReplaceAllStringFunc(text, func(string) string {
		return g.mostly([]string{of.drop}, []string{"retire", "retire rcu", "retire srcu"})
	})
	// A wait that was just written stays as it is.
	fresh := strings.NewReplacer("wait", "wa+it").Replace(of.drop)
	text = strings.ReplaceAll(text, of.drop, fresh)
	text = allWaits.ReplaceAllStringFunc(text, func(step string) string {
		waits := g.mostly(of.waits, []string{"wait", "wait rcu", "wait srcu", "wait epoch"})
		if strings.HasSuffix(step, "changed") {
			waits = strings.ReplaceAll(waits+" if changed", ";", " if changed;")
		}
		return waits
	})
	text = strings.ReplaceAll(text, "wa+it", "wait")
	head, ops, _ := strings.Cut(text, "\n")
	return head + "\n  " + of.lines + "\n" + ops
}
