package model

import (
	"fmt"

	"tailpoke/patcher/protocol"
)

// mostOmitted bounds what may have become of a key in operations that were not recorded.
const mostOmitted = 1 << 13

// omitted returns the guesses after operations that were not recorded: all that any whole
// operations of the key, and sites that come and go between them, lead to. Sites that have
// gone again leave no trace, so there need never be more of them than at the end.
func (c *Conformer) omitted(f *tracker, it protocol.Item) ([]guess, error) {
	if err := c.fits(it); err != nil {
		return nil, err
	}
	seen := map[guess]bool{}
	var all []guess
	found := func(g guess) {
		g.names = [maxPrograms]int{} // the numbers may belong to others by now
		if !seen[g] {
			seen[g] = true
			all = append(all, g)
		}
	}
	for _, g := range f.guesses {
		if g.at.idle() {
			found(g)
		}
	}
	for i := 0; i < len(all); i++ {
		if len(all) > mostOmitted {
			return nil, fmt.Errorf("%w: more than %d states that omitted operations may lead to",
				ErrUnsupported, mostOmitted)
		}
		all[i].operated(found)
		if err := c.resized(all[i], 0, it.Most, found); err != nil {
			return nil, err
		}
	}
	out := f.before[:0]
	for _, g := range all {
		p := heldField.at(g.in.key).of(g.at.x[0])
		if n := g.sites(); n < it.Least || n > it.Most || (p == 0) != (it.Prog == protocol.NoProg) {
			continue
		}
		if p != 0 {
			g, _ = g.bound(p, it.Prog)
		}
		out = addGuess(out, g)
	}
	return out, nil
}

// operated finds what one whole operation makes of a guess.
func (g guess) operated(found func(guess)) {
	under := []guess{g}
	for i := 0; i < len(under); i++ {
		at := under[i]
		at.in.grow(at.at)
		for _, e := range at.at.edges {
			if e.given != 0 {
				if _, ok := at.named(e.given, protocol.AnyProg); !ok {
					continue
				}
			}
			if to := at.then(e.to); e.to.idle() {
				found(to)
			} else {
				under = addGuess(under, to)
			}
		}
	}
}
