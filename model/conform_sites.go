package model

import (
	"fmt"
	"math/bits"

	"tailpoke/patcher/protocol"
)

// has returns the guesses after a change of the number of sites. There is none during an
// operation of the key.
func (c *Conformer) has(f *tracker, it protocol.Item) ([]guess, error) {
	out := f.before[:0]
	err := c.fits(it)
	for _, g := range f.guesses {
		if err == nil && g.at.idle() {
			err = c.resized(g, it.Least, it.Most, func(to guess) { out = addGuess(out, to) })
		}
	}
	return out, err
}

func (c *Conformer) fits(it protocol.Item) error {
	if it.Most > maxSites {
		return fmt.Errorf("%w: %d sites of one key, at most %d fit", ErrUnsupported, it.Most, maxSites)
	}
	return nil
}

// resized finds what a guess between two operations may become when sites come and go. Of
// those that there were, any may have gone; those that came stand after them.
func (c *Conformer) resized(g guess, least, most int, found func(guess)) error {
	one, err := c.automaton(1)
	if err != nil {
		return err
	}
	fresh := one.installed(heldField.at(g.in.key).of(g.at.x[0]))
	for stay := range uint(1) << g.sites() {
		for n := max(least, bits.OnesCount(stay)); n <= most; n++ {
			to, err := c.automaton(n)
			if err != nil {
				return err
			}
			moved := g
			moved.in = to
			found(moved.then(to.point(moveTo(g.in, to, &g.at.x, stay, fresh))))
		}
	}
	return nil
}

// moveTo takes a state between two operations over to another number of sites: those of
// the set stay, and fresh ones fill up.
func moveTo(from, to *automaton, x *state, stay uint, fresh site) state {
	y := to.sys.initial()
	holds := heldField.at(from.key)
	y[0] = holds.put(x[0], 0)
	to.sys.setPointer(&y, to.key, from.sys.pointer(x, from.key))
	y[0] = heldField.at(to.key).put(y[0], holds.of(x[0]))
	n := 0
	for at := range bits.Len(stay) {
		if stay>>at&1 != 0 {
			n++
			y[n] = x[1+at]
		}
	}
	for to.key == 0 && n < to.sys.shape.Sites {
		n++
		y[n] = fresh
	}
	return y
}

// installed returns the site of a key that was given p when the key was empty, or, where
// p is 0, before.
func (a *automaton) installed(p uint64) site {
	x := a.sys.initial()
	for called := p == 0; !called || opField.of(x[0]) != 0; called = true {
		next := x
		a.moves(&x, func(m move, y *state) {
			if called || m.kind == moveInstall && givenField.of(y[0]) == p {
				next = *y
			}
		})
		if next == x {
			break // the protocol's install cannot be carried out
		}
		x = next
	}
	return x[1]
}

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
