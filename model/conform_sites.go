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
