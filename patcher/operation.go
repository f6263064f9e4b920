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
	dropped   bool       // the old program was let go: a second retire or free does nothing
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
			err = p.cfg.Domain.Synchronize()
		}
	case protocol.Retire:
		ev.Kind = protocol.Retired
		if o.drop() {
			p.retire(o.old)
		}
	case protocol.Free:
		ev.Kind = protocol.Freed
		if o.drop() {
			// The program may have sites in this very array, whose mutex is held, so
			// its descriptors leave the list when the operation is over.
			p.erase(o.old)
			o.erased = append(o.erased, o.old)
		}
	}
	return ev, err
}

// drop lets the old program go, once, and reports whether it is not held any more.
func (o *operation) drop() bool {
	first := !o.dropped
	o.dropped = true
	return first && o.old.drop()
}

func (o *operation) observe(ev protocol.Event) {
	if o.a.p.cfg.Observe == nil {
		return
	}
	ev.Op, ev.Key = o.kind, o.key
	o.a.p.cfg.Observe(ev)
}
