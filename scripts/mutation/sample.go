package main

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
)

// A drawing gives faults in the order of a seed: lines at random, and of each line one fault at
// random. It leaves out what does not compile and what equivalent.txt argues for.
type drawing struct {
	tree   *tree
	argued arguments
	lines  []drawnLine
	next   int

	uncompiled int
	equivalent []fault
}

// A drawnLine is a line with the faults that can be made in it. Its lot is a hash of the seed and of
// what the line says, and in which function, so that a changed line moves at most one other line in or
// out of a sample.
type drawnLine struct {
	lot    uint64
	faults []fault
}

// draw prepares a drawing from packages.
func draw(t *tree, argued arguments, packages []string, seed uint64) (*drawing, error) {
	d := &drawing{tree: t, argued: argued}
	for _, path := range packages {
		p := t.packages[path]
		faults, err := p.faults()
		if err != nil {
			return nil, err
		}
		same := map[string]int{} // lines of a function that say the same are told apart by their number
		for i, f := range faults {
			if i == 0 || f.line != faults[i-1].line || f.file != faults[i-1].file {
				says := f.file + "\n" + f.in + "\n" + lineAt(p.src[f.file], f.from)
				h := fnv.New64a()
				fmt.Fprintf(h, "%d\n%d\n%s", seed, same[says], says)
				same[says]++
				d.lines = append(d.lines, drawnLine{lot: mixed(h.Sum64())})
			}
			last := &d.lines[len(d.lines)-1]
			last.faults = append(last.faults, f)
		}
	}
	slices.SortStableFunc(d.lines, func(a, b drawnLine) int { return cmp.Compare(a.lot, b.lot) })
	return d, nil
}

// lineAt is the line of a place in a file, without what is around its code.
func lineAt(src []byte, at int) string {
	from := bytes.LastIndexByte(src[:at], '\n') + 1
	line, _, _ := bytes.Cut(src[from:], []byte("\n"))
	return squeeze(string(line))
}

// mixed spreads a hash: FNV's upper bits hardly know the last letters.
func mixed(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// take returns the next n faults, fewer if there are no more.
func (d *drawing) take(n int) []fault {
	var out []fault
	for ; len(out) < n && d.next < len(d.lines); d.next++ {
		line := d.lines[d.next]
		f := line.faults[line.lot%uint64(len(line.faults))]
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
