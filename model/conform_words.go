package model

import (
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
)

// allowed lists what would have fitted in place of an item that does not.
func (f *tracker) allowed(it protocol.Item) []string {
	var out []string
	also := func(text string) {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for _, g := range f.guesses {
		g.in.grow(g.at)
		edges := g.at.edges
		if g.owes != nil {
			edges = []edge{*g.owes}
		}
		switch {
		case it.Kind == protocol.Has || it.Kind == protocol.Omitted:
			also("nothing of this kind before the operation returns")
		case it.Kind == protocol.Happened:
			for _, e := range edges {
				ev := e.event
				ev.Key = f.key
				also(protocol.Item{Event: ev, Prog: protocol.AnyProg}.String())
			}
		case it.Desc < 0 || it.Desc >= g.sites():
			also(fmt.Sprintf("observations of %d sites", g.sites()))
		default:
			g.later(func(g guess) { also(g.shows(g.at.x[1+it.Desc])) })
		}
	}
	return out
}

// shows writes what memory holds of a site, as a trace does.
func (g *guess) shows(w site) string {
	text := ""
	for s := range protocol.Slots {
		s := protocol.Slot(s)
		raw := textOf(slotOf(w, s).mem(), s)
		if raw.Tail >= 0 {
			if raw.Tail = g.names[raw.Tail] - 1; raw.Tail < 0 {
				raw.Tail = protocol.AnyTail
			}
		}
		if text != "" {
			text += " "
		}
		text += fmt.Sprintf("%v=%v", s, raw)
	}
	return text
}
