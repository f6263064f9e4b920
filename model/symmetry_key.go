package model

import "math/bits"

// Keys without a direct site are alike: operations on them have the same actions, and
// nothing else than a number tells them apart, if they are of one map.

// firstAlike returns the first of the keys that are alike; those after it are too. If no two
// are, it returns how many keys there are.
func (sys *system) firstAlike() int {
	first := min(sys.shape.Sites, sys.shape.Keys)
	if sys.shape.Keys-first < 2 || sys.shape.Maps > 1 {
		return sys.shape.Keys
	}
	return first
}

// sortKeys orders the keys that are alike by what can be said of them without naming a
// program, as far as programs are alike themselves. A few states are stored in more than
// one form.
func (sys *system) sortKeys(x *state) {
	for k := sys.alikeKeys + 1; k < sys.shape.Keys; k++ {
		for l := k; l > sys.alikeKeys && sys.content(x, l-1) > sys.content(x, l); l-- {
			sys.exchangeKeys(x, l-1, l)
		}
	}
}

// content says what is to be known of a key.
func (sys *system) content(x *state, key int) uint64 {
	n, p := uint64(0), heldField.at(key).of(x[0])
	if p != 0 {
		n = 1 + statusOf(x[0], p)
	}
	for i := range sys.agents {
		n <<= 2
		if w := x[sys.agents[i].word]; !sys.agents[i].loads && opField.of(w) != 0 &&
			keyField.of(w) == uint64(key) {
			n |= opField.of(w)
		}
	}
	for _, t := range x[sys.threads:sys.words] {
		fresh := freshField.at(key).of(t)
		n += mustField.at(key).of(t)<<20 + uint64(bits.OnesCount64(fresh))<<24
		if p != 0 {
			n += fresh >> (p - 1) & 1 << 32 // it may run what the key holds
		}
		if !sys.alike {
			n += fresh << 40
		}
	}
	n <<= 3
	if !sys.alike {
		n |= p
	}
	return n
}

// exchangeKeys makes k of l and l of k.
func (sys *system) exchangeKeys(x *state, k, l int) {
	swap := func(w *uint64, f field) {
		a, b := f.at(k).of(*w), f.at(l).of(*w)
		*w = f.at(l).put(f.at(k).put(*w, b), a)
	}
	swap(&x[0], heldField)
	if sys.apart {
		swap(&x[sys.extra], pointerField)
	}
	for i := range sys.agents {
		w := &x[sys.agents[i].word]
		if !sys.agents[i].loads && opField.of(*w) != 0 {
			keyField.exchange(w, uint64(k), uint64(l))
		}
	}
	for i := sys.threads; i < sys.words; i++ {
		swap(&x[i], mustField)
		swap(&x[i], freshField)
	}
}
