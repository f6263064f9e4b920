package patcher

import "tailpoke/patcher/protocol"

// operation is one install, update or remove while it is carried out, under the poke
// mutex.
type operation struct {
	a         *ProgArray
	kind      protocol.OpKind
	key       int
	old, next *Program   // what the key held and is given; nil for none
	changedAt int        // index of the last action that changed a byte
	published bool       // the map's pointer names the old program no more
	dropped   bool       // the old program was let go
	erased    []*Program // freed by this operation: what is left of them goes when it is over
}

func (o *operation) run() error {
	descs := o.a.stable(o.key)
	o.observe(protocol.Event{Kind: protocol.Called, Desc: protocol.NoDesc})
	for i, act := range o.a.actions(o.kind, len(descs)) {
		var d *pokeDescriptor
		if act.Desc != protocol.NoDesc {
			d = descs[act.Desc]
		}
		ev, err := o.act(i, act, d)
		if err != nil {
			return err
		}
		o.observe(ev)
	}
	if o.old != nil && o.published && !o.dropped {
		return o.wrong(protocol.NoLeak)
	}
	o.observe(protocol.Event{Kind: protocol.Returned, Desc: protocol.NoDesc})
	return nil
}

func (o *operation) act(i int, act protocol.Action, d *pokeDescriptor) (protocol.Event, error) {
	p := o.a.p
	ev := protocol.Event{Desc: act.Desc, Slot: act.Slot, To: act.To}
	var err error
	switch act.Kind {
	case protocol.Publish:
		ev.Kind = protocol.Published
		o.a.publish(o.key, o.next)
		o.published = true
	case protocol.Poke:
		ev.Kind = protocol.Poked
		if !d.stable.Load() {
			break // its program was freed by this operation
		}
		if ev.Changed, err = p.poke(d, act, o.next); ev.Changed {
			o.changedAt = i
		}
	case protocol.Wait:
		if ev.Kind = protocol.Waited; act.IfChanged && o.changedAt < act.Since {
			ev.Kind = protocol.WaitSkipped
		} else {
			err = p.domain(act.Grace).Synchronize()
		}
	case protocol.Retire:
		ev.Kind = protocol.Retired
		var last bool
		if last, err = o.drop(); last {
			p.retire(o.old, p.domain(act.Grace))
		}
	case protocol.Free:
		ev.Kind = protocol.Freed
		var last bool
		if last, err = o.drop(); last {
			// The program may have sites in this very array, whose mutex is held, so
			// its descriptors leave the list when the operation is over.
			p.erase(o.old)
			o.erased = append(o.erased, o.old)
		}
	}
	return ev, err
}

// drop lets the old program go, and reports whether it is not held any more.
func (o *operation) drop() (last bool, err error) {
	switch {
	case o.dropped:
		return false, o.wrong(protocol.NoDoubleFree)
	case !o.published && o.old != o.next:
		return false, o.wrong(protocol.NoEarlyFree)
	}
	o.dropped = true
	return o.old.drop(), nil
}

// A LifeError says that an operation let go of the program that it replaced at the wrong time, or
// not at all. The operation ends there: freeing memory that is in use, or is free, would end the
// process.
type LifeError struct {
	Property protocol.Property // no-double-free, no-early-free or no-leak
	Program  string
}

func (e *LifeError) Error() string {
	switch e.Property {
	case protocol.NoDoubleFree:
		return "lets go of " + e.Program + " a second time"
	case protocol.NoEarlyFree:
		return "lets go of " + e.Program + ", which the map's pointer still names"
	}
	return "has replaced " + e.Program + ", which nobody will free"
}

func (o *operation) wrong(p protocol.Property) error { return &LifeError{p, o.old.Name} }

func (o *operation) observe(ev protocol.Event) {
	if o.a.p.cfg.Observe == nil {
		return
	}
	ev.Op, ev.Key = o.kind, o.key
	o.a.p.cfg.Observe(ev)
}
