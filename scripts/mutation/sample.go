package main

import (
	"fmt"
	"math/rand/v2"
)

// A drawing gives faults in the order of a seed: lines at random, and of each line one fault at
// random. It leaves out what does not compile and what equivalent.txt argues for.
type drawing struct {
	tree   *tree
	argued arguments
	lines  [][]fault // those of one line
	next   int
	rng    *rand.Rand

	uncompiled int
	equivalent []fault
}

// draw prepares a drawing from packages.
func draw(t *tree, argued arguments, packages []string, seed uint64) (*drawing, error) {
	d := &drawing{tree: t, argued: argued, rng: rand.New(rand.NewPCG(seed, 0))}
	for _, path := range packages {
		faults, err := t.packages[path].faults()
		if err != nil {
			return nil, err
		}
		for i, f := range faults {
			if i == 0 || f.line != faults[i-1].line || f.file != faults[i-1].file {
				d.lines = append(d.lines, nil)
			}
			last := len(d.lines) - 1
			d.lines[last] = append(d.lines[last], f)
		}
	}
	d.rng.Shuffle(len(d.lines), func(i, j int) { d.lines[i], d.lines[j] = d.lines[j], d.lines[i] })
	return d, nil
}

// take returns the next n faults, fewer if there are no more.
func (d *drawing) take(n int) []fault {
	var out []fault
	for ; len(out) < n && d.next < len(d.lines); d.next++ {
		line := d.lines[d.next]
		f := line[d.rng.IntN(len(line))]
		p := d.tree.packages[packageOf(f)]
		switch {
		case d.argued.of(f, p.src[f.file]) != "":
			d.equivalent = append(d.equivalent, f)
		case !d.tree.compiles(f):
			d.uncompiled++
		default:
			out = append(out, f)
		}
	}
	return out
}

func packageOf(f fault) string {
	above, _, _ := cutLast(f.file)
	return above
}

// find returns the fault with an id.
func find(t *tree, id string) (fault, error) {
	for _, path := range t.paths() {
		faults, err := t.packages[path].faults()
		if err != nil {
			return fault{}, err
		}
		for _, f := range faults {
			if f.id() == id {
				return f, nil
			}
		}
	}
	return fault{}, fmt.Errorf("--only: there is no fault %s", id)
}
