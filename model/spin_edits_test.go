package model

import (
	"errors"
	"fmt"
	"testing"

	"tailpoke/patcher/protocol"
)

// TestSpinEdits holds the shortest witness of every mechanical edit of the built-in
// protocols and methods against Spin's, which searches breadth first with its reductions
// off: with one thread and with two. One thread is enough, so Spin's must be as long with
// two; and the model's must be as long with symmetry as with none.
func TestSpinEdits(t *testing.T) {
	if !*spin {
		t.Skip("scripts/spin runs this: it takes a minute or two")
	}
	needSpin(t)
	edits := spinEdits(t)
	fmt.Printf("%-12s %-64s %-18s %5s  %s\n",
		"protocol", "edit", "breaks", "model", "Spin, with one thread and two")
	equal, shorter, longer, proved := 0, 0, 0, 0
	for i, out := range inTurn(edits, spinEdit.compare) {
		v := <-out
		fmt.Printf("%-12s %-64s %v\n", edits[i].of, edits[i].edit, v)
		if err := v.wrong(); err != nil {
			t.Errorf("%s: %v: %v\n%v", edits[i].of, edits[i].edit, err, v)
		}
		for _, spin := range v.spin {
			switch n := nearestOf(spin); {
			case v.model == 0 && n == 0:
				proved++
			case v.model == n:
				equal++
			case n == 0 || v.model < n:
				shorter++
			default:
				longer++
			}
		}
	}
	fmt.Printf("%d edits, each with one thread and with two: %d comparisons find nothing on both "+
		"sides; the model's witness is\nas long as Spin's in %d, shorter in %d, longer in %d\n\n",
		len(edits), proved, equal, shorter, longer)
	if len(edits) < 100 || proved == 0 || equal == 0 {
		t.Error("too few edits")
	}
}

// A spinEdit is an edit of a built-in protocol and method.
type spinEdit struct {
	of   string
	edit protocol.Edit
	protocol.Subject
}

// spinEdits lists the edits of each protocol with the kernel's method, and those of the
// other methods.
func spinEdits(t *testing.T) []spinEdit {
	t.Helper()
	var out []spinEdit
	for i, p := range protocol.Protocols() {
		for j, m := range protocol.Methods() {
			s := protocol.DefaultSubject()
			s.Protocol, s.Method = p, m
			for _, e := range protocol.SingleEdits(s) {
				edited, err := e.Apply(s)
				if err != nil {
					t.Fatal(err)
				}
				if j == 0 || i == 0 && e.Of == protocol.OfMethod {
					out = append(out, spinEdit{p.Name + "/" + m.Name, e, edited})
				}
			}
		}
	}
	return out
}

// A spinEdited is what both sides find of an edit.
type spinEdited struct {
	model    int                         // steps of the witness, 0 for none
	property protocol.Property           // what it breaks
	others   []int                       // the same, of other ways to explore
	spin     []map[protocol.Property]int // with one thread, and with two
	err      error
}

func (e spinEdit) compare() spinEdited {
	var out spinEdited
	for i, o := range []Options{{}, {NoSymmetry: true, Threads: 2}} {
		r, err := Check(e.Subject, o)
		if err != nil {
			return spinEdited{err: err}
		}
		n := 0
		if r.Witness != nil {
			n = len(r.Witness.Steps)
		}
		if i == 0 {
			out.model, out.property = n, r.Property
		} else {
			out.others = append(out.others, n)
		}
	}
	for threads := 1; threads <= 2; threads++ {
		f, err := spinFinds(e.Subject, threads)
		out.spin, out.err = append(out.spin, f.first), errors.Join(out.err, err)
	}
	return out
}

// wrong says in what the two sides differ.
func (v spinEdited) wrong() error {
	if v.err != nil {
		return v.err
	}
	for _, n := range v.others {
		if n != v.model {
			return fmt.Errorf("the model's own answers are %d and %d steps long", v.model, n)
		}
	}
	for i, first := range v.spin {
		if n := nearestOf(first); n != v.model {
			return fmt.Errorf("%d threads: the model's witness has %d steps, Spin's %d (0: none)",
				i+1, v.model, n)
		}
		if v.property != "" && first[v.property] != v.model {
			return fmt.Errorf("%d threads: Spin breaks %s in %d steps, the model in %d",
				i+1, v.property, first[v.property], v.model)
		}
	}
	return nil
}

func (v spinEdited) String() string {
	if v.err != nil {
		return v.err.Error()
	}
	breaks := string(v.property)
	if breaks == "" {
		breaks = "nothing"
	}
	return fmt.Sprintf("%-18s %5d  %d %d", breaks, v.model, nearestOf(v.spin[0]), nearestOf(v.spin[1]))
}

// nearestOf is how many steps it takes to break any property, 0 when none can be broken.
func nearestOf(first map[protocol.Property]int) int {
	nearest := 0
	for _, n := range first {
		if nearest == 0 || n < nearest {
			nearest = n
		}
	}
	return nearest
}
