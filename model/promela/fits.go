package promela

import (
	"fmt"
	"slices"

	"tailpoke/patcher/protocol"
)

// maxActions is how many actions a list may have: the byte last holds an index plus 1.
const maxActions = 1<<8 - 2

// fits says why the text cannot say the subject, and notes what it has to know to say it. Sets
// are bytes, and tails have three bits; the other bounds are those of package model, beyond
// which nothing was compared.
func (p *promela) fits() (err error) {
	if site := p.Protocol.Site(); len(site.Slots) != 2 || site.Jumps(slot0) || !site.Jumps(slot1) {
		return fmt.Errorf("no words for the slots of a %s", site.Name)
	}
	n := p.Shape
	if err := n.Within(protocol.Shape{
		Threads: 8, Sites: 8, Programs: 6, Keys: 4, Copies: 2, Maps: 4, Mutators: 2,
	}); err != nil {
		return err
	}
	if p.Grace.Kind > protocol.GraceNoBarrier {
		return fmt.Errorf("no words for the grace flavour %s", p.Grace.Name)
	}
	if len(p.Method.Steps) == 0 {
		return fmt.Errorf("the method %s has no steps", p.Method.Name)
	}
	for _, step := range p.Method.Steps {
		stores, err := storesOf(step, p.Protocol.Site().Slots[slot0].Size)
		if err != nil {
			return err
		}
		p.stores = append(p.stores, stores...)
	}
	if n.Deep {
		if p.unlist, err = p.Unlisting(); err != nil {
			return err
		}
	}
	return p.fitsActions()
}

// fitsActions says which list of actions is too long.
func (p *promela) fitsActions() error {
	var lists [][]protocol.Action
	if p.Shape.Copies > 0 {
		lists = append(lists, p.Protocol.UnrollLoad(p.Shape.Sites), p.Protocol.UnrollUnload())
	}
	for op := range protocol.OpKinds {
		for k := range p.Shape.Keys {
			lists = append(lists, p.Protocol.Unroll(protocol.OpKind(op), len(p.sitesOf(k))))
		}
	}
	for _, list := range lists {
		if len(list) > maxActions {
			return fmt.Errorf("%d actions of an operation or a load, more than %d",
				len(list), maxActions)
		}
	}
	return nil
}

// publishes reports whether an operation exchanges the map's pointer.
func publishes(steps []protocol.Step) bool {
	return slices.ContainsFunc(steps, func(s protocol.Step) bool { return s.Kind == protocol.Publish })
}
