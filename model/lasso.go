package model

import "slices"

// A lasso is an execution that never ends: the states of its stem, from the first one to
// the first of the cycle, and those that follow it until the cycle is closed.
type lasso struct {
	stem, cycle []stateID
}

// lasso looks for the fair sets among the holds of an agent, and goes round the nearest.
func (e *explorer) lasso(holds []hold) *lasso {
	all := make([]int, len(holds))
	for i := range all {
		all[i] = i
	}
	l := &lasso{}
	first, nearest := -1, []int(nil)
	for _, set := range fairSets(holds, all) {
		for _, n := range set {
			if path := e.path(holds[n].id); first < 0 || len(path) < len(l.stem) {
				l.stem, first, nearest = path, n, set
			}
		}
	}
	if first < 0 {
		return nil
	}
	l.cycle = round(holds, nearest, first)
	return l
}

// fairSets returns sets of strongly connected holds that are fair to every actor. If an actor
// could move and does not, the holds in which it could are left out, and the rest is looked
// at again.
func fairSets(holds []hold, among []int) [][]int {
	var out [][]int
	for _, set := range components(holds, among) {
		in := map[int]bool{}
		for _, n := range set {
			in[n] = true
		}
		var could, done pursuit
		for _, n := range set {
			could |= holds[n].could
			for _, s := range holds[n].out {
				if in[s.to] {
					done |= s.does
				}
			}
		}
		unfair := could &^ done
		if unfair == 0 && done != 0 {
			out = append(out, set)
		}
		if unfair != 0 {
			fair := func(n int) bool { return holds[n].could&unfair == 0 }
			out = append(out, fairSets(holds, only(set, fair))...)
		}
	}
	return out
}

func only(set []int, keep func(int) bool) []int {
	return slices.DeleteFunc(slices.Clone(set), func(n int) bool { return !keep(n) })
}

// components returns the strongly connected components of some of the holds, by the
// algorithm of Tarjan with a stack of its own: the way may be longer than Go's stack.
func components(holds []hold, among []int) [][]int {
	t := tarjan{holds: holds, number: map[int]int{}, low: map[int]int{}, in: map[int]bool{}}
	for _, n := range among {
		t.in[n] = true
	}
	for _, n := range among {
		if t.number[n] == 0 {
			t.visit(n)
		}
	}
	return t.out
}

type tarjan struct {
	holds       []hold
	in          map[int]bool // what is looked at; what has its component is taken out
	number, low map[int]int
	stack       []int
	out         [][]int
}

// visit goes depth first from a hold.
func (t *tarjan) visit(from int) {
	type frame struct{ n, edge int }
	way := []frame{{from, 0}}
	t.begin(from)
	for len(way) > 0 {
		f := &way[len(way)-1]
		if f.edge < len(t.holds[f.n].out) {
			to := t.holds[f.n].out[f.edge].to
			f.edge++
			switch {
			case !t.in[to]:
			case t.number[to] == 0:
				t.begin(to)
				way = append(way, frame{to, 0})
			default:
				t.low[f.n] = min(t.low[f.n], t.number[to])
			}
			continue
		}
		n := f.n
		way = way[:len(way)-1]
		if len(way) > 0 {
			up := way[len(way)-1].n
			t.low[up] = min(t.low[up], t.low[n])
		}
		if t.low[n] == t.number[n] {
			t.end(n)
		}
	}
}

func (t *tarjan) begin(n int) {
	t.number[n] = len(t.number) + 1
	t.low[n] = t.number[n]
	t.stack = append(t.stack, n)
}

// end takes the component whose first hold is n off the stack.
func (t *tarjan) end(n int) {
	at := slices.Index(t.stack, n)
	set := slices.Clone(t.stack[at:])
	t.stack = t.stack[:at]
	for _, m := range set {
		t.in[m] = false
	}
	t.out = append(t.out, set)
}

// round goes from a hold of a fair set through the set and back, so that everything that
// is required of the set is done on the way.
func round(holds []hold, set []int, first int) []stateID {
	in := map[int]bool{}
	var owed pursuit
	for _, n := range set {
		in[n] = true
		owed |= holds[n].could
	}
	var out []stateID
	at := first
	walk := func(done func(s step) bool) {
		for _, s := range way(holds, in, at, done) {
			owed &^= s.does
			at = s.to
			out = append(out, holds[at].id)
		}
	}
	for owed != 0 {
		walk(func(s step) bool { return s.does&owed != 0 })
	}
	if at != first {
		walk(func(s step) bool { return s.to == first })
	}
	return out
}

// way returns a shortest way from a hold to a step that is wanted, that step included.
func way(holds []hold, in map[int]bool, from int, wanted func(step) bool) []step {
	type arrival struct {
		prev int
		by   step
	}
	came := map[int]arrival{}
	back := func(n int, last step) []step {
		out := []step{last}
		for ; n != from; n = came[n].prev {
			out = append(out, came[n].by)
		}
		slices.Reverse(out)
		return out
	}
	for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
		n := queue[0]
		for _, s := range holds[n].out {
			if !in[s.to] {
				continue
			}
			if wanted(s) {
				return back(n, s)
			}
			if _, ok := came[s.to]; !ok && s.to != from {
				came[s.to] = arrival{n, s}
				queue = append(queue, s.to)
			}
		}
	}
	panic("model: a fair set is not connected")
}
