package search

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tailpoke/patcher/protocol"
	"tailpoke/stress/report"
)

// An instr is what a slot holds, as far as an operation can tell.
type instr byte

const (
	instrNop   instr = iota
	instrOut         // the jump over the site
	instrGiven       // the jump to the program that the operation gives
	instrOld         // the jump to the program that the key held
	instrOther       // the jump to a program that the key held before
)

// site is what operations poke. It is read and never written.
var site = protocol.TailCall()

// instrOf is what a slot holds once an operation has poked it.
func instrOf(slot protocol.Slot, c protocol.Content) instr {
	return [...]instr{
		protocol.ToNext: instrNop, protocol.ToOut: instrOut, protocol.ToProgram: instrGiven,
	}[site.Slots[slot].May[c].Leads]
}

// A siteText is what the two slots of a site hold.
type siteText [protocol.Slots]instr

// state names what the slots hold together.
func (s siteText) state() protocol.State {
	contents := make([]protocol.Content, len(s))
	for slot, i := range s {
		if i != instrNop {
			contents[slot] = protocol.Jump
		}
	}
	return site.StateOf(contents...)
}

// maxDescs is the number of sites up to which operations are compared. An each does the
// same for every site, so texts that differ do so for two of them.
const maxDescs = 3

// An effect is what an operation does to sites that all begin alike: steps that change
// nothing are left out of it.
type effect struct {
	did          string // the steps, in order
	waits, pokes int    // grace periods waited for, and pokes that changed a byte
	end          siteText
	indirect     bool // it keeps indirect callers out of freed programs
}

// carryOut follows an operation on descs sites. No interleaving matters to it: what
// memory holds between the steps, the mutator alone decides.
func carryOut(p protocol.Protocol, op protocol.OpKind, descs int, start siteText) effect {
	sites := slices.Repeat([]siteText{start}, max(descs, 1))
	e := effect{indirect: true}
	var did strings.Builder
	published, waited, changedAt := false, false, -1
	for i, a := range p.Unroll(op, descs) {
		switch a.Kind {
		case protocol.Publish:
			if published {
				continue // the pointer is what it was
			}
			published = true
		case protocol.Poke:
			slot := &sites[a.Desc][a.Slot]
			to := instrOf(a.Slot, a.To)
			if *slot == to {
				continue
			}
			*slot, changedAt = to, i
			e.pokes++
			did.Write([]byte{'0' + byte(a.Desc), '0' + byte(a.Slot), '0' + byte(to)})
			continue
		case protocol.Wait:
			if a.IfChanged && changedAt < a.Since {
				continue
			}
			waited = published
			e.waits++
		case protocol.Retire:
			e.indirect = e.indirect && published
		case protocol.Free:
			e.indirect = e.indirect && waited
		}
		did.WriteByte(a.Kind.String()[0])
	}
	e.did, e.end = did.String(), sites[0]
	return e
}

// A begin is how the sites of a key look when an operation is called.
type begin struct {
	op protocol.OpKind
	at siteText
}

// beginsOf lists every begin that operations one after the other lead to.
func beginsOf(p protocol.Protocol) []begin {
	all := []begin{{op: protocol.Install}}
	for slot, c := range site.Empty {
		all[0].at[slot] = instrOf(protocol.Slot(slot), c)
	}
	for i := 0; i < len(all); i++ {
		b := all[i]
		at := carryOut(p, b.op, 1, b.at).end
		next := []protocol.OpKind{protocol.Install}
		if b.op.Gives() {
			next = []protocol.OpKind{protocol.Update, protocol.Remove}
		}
		again := at // the program that a slot still jumps to is given to the key once more
		for slot := range at {
			at[slot] = afterwards(b.op, at[slot])
			if again[slot] = at[slot]; at[slot] == instrOther {
				again[slot] = instrGiven
			}
		}
		for _, op := range next {
			all = addBegin(all, begin{op, at})
			if op.Gives() && again != at {
				all = addBegin(all, begin{op, again})
			}
		}
	}
	slices.SortFunc(all, begin.compare)
	return all
}

func (b begin) compare(o begin) int {
	return cmp.Or(cmp.Compare(b.op, o.op), slices.Compare(b.at[:], o.at[:]))
}

func addBegin(all []begin, b begin) []begin {
	if slices.Contains(all, b) {
		return all
	}
	return append(all, b)
}

// afterwards names what a target holds as the operation behind op sees it.
func afterwards(op protocol.OpKind, i instr) instr {
	switch {
	case i == instrGiven:
		return instrOld
	case i == instrOld && op.Replaces():
		return instrOther
	}
	return i
}

// A sum is what the effects of a protocol come to.
type sum struct {
	behaviour string // equal for protocols whose steps that change something are equal
	skeleton  string // the same without publish, retire and free
	leaves    string // the states in which the operation in question leaves its sites
	indirect  bool   // it keeps indirect callers out of freed programs
	costs     [maxDescs + 1]report.Cost
}

// sumOf follows every operation of p from every begin.
func sumOf(p protocol.Protocol, op protocol.OpKind) sum {
	var behaviour, skeleton strings.Builder
	out := sum{indirect: true}
	for _, b := range beginsOf(p) {
		for descs := range maxDescs + 1 {
			e := carryOut(p, b.op, descs, b.at)
			fmt.Fprintf(&behaviour, "%d%v%s;", b.op, b.at, e.did)
			if b.op != op {
				continue
			}
			fmt.Fprintf(&skeleton, "%v%s;", b.at, strings.Map(pokesAndWaits, e.did))
			out.indirect = out.indirect && e.indirect
			c := &out.costs[descs]
			c.Waits, c.Pokes = max(c.Waits, e.waits), max(c.Pokes, e.pokes)
			if s := e.end.state().String(); descs > 0 && !strings.Contains(out.leaves, s) {
				out.leaves += s
			}
		}
	}
	out.behaviour, out.skeleton = behaviour.String(), skeleton.String()
	return out
}

// pokesAndWaits drops from the text of an effect what concerns the map alone.
func pokesAndWaits(r rune) rune {
	if strings.ContainsRune("prf", r) {
		return -1
	}
	return r
}
