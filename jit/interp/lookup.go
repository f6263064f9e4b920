package interp

import (
	"errors"

	"github.com/cilium/ebpf/asm"
)

// A view is the contents of a map as one execution sees them.
type view struct {
	c   *contents
	own bool // no other execution sees them: they may be written
}

var errReadOnly = errors.New("the map is read-only")

// others says whether others may write a map's values meanwhile.
func (m *machine) others(d *Map) bool { return m.w.Shared && !d.ReadOnly }

// writable gives contents that may be written.
func (m *machine) writable(id int32) *contents {
	v := &m.views[id]
	if !v.own {
		v.c, v.own = v.c.clone(), true
	}
	return v.c
}

func (m *machine) loadValue(addr value, size int) (value, error) {
	d := m.w.defs[addr.id]
	if m.others(d) || addr.elem == anyElem {
		return value{kind: anything}, nil
	}
	b := m.views[addr.id].c.bytes(d, addr.elem)
	if b == nil {
		return value{}, errGone
	}
	return num(loadBytes(b[addr.n : int(addr.n)+size])), nil
}

// errGone is for what the kernel leaves to chance: the memory may hold another element by now.
var errGone = errors.New("the element of the map was deleted or updated since")

// storeValue writes to a map's value. What others may write has no contents to be kept.
func (m *machine) storeValue(addr value, size int, v value) error {
	d := m.w.defs[addr.id]
	switch _, err := numbers(v); {
	case err != nil:
		return err
	case d.ReadOnly:
		return errReadOnly
	case m.others(d):
		return nil
	}
	c := m.writable(addr.id)
	b := c.bytes(d, addr.elem)
	if b == nil {
		return errGone
	}
	storeBytes(b[addr.n:int(addr.n)+size], v.n)
	if d.Kind != Hash { // the element may have been one of those that are not kept
		c.set(addr.elem, b)
	}
	return nil
}

// lookup is bpf_map_lookup_elem(map, key). It answers unless both answers are possible and none
// was chosen.
func (m *machine) lookup() (r0 value, answers bool, err error) {
	a := args{m: m}
	id, d := a.elements()
	key, known := a.memory(asm.R2, int(d.KeySize))
	if a.err != nil {
		return value{}, false, a.err
	}
	elem := int32(anyElem)
	var found bool
	if known && !(d.Kind == Hash && m.others(d)) {
		elem, found = d.find(m.views[id].c, key)
	} else if found, answers = m.guessed(); !answers {
		return value{}, false, nil
	}
	if !found {
		return num(0), true, nil
	}
	return value{kind: inValue, id: id, elem: elem}, true, nil
}

// update is bpf_map_update_elem(map, key, value, flags).
func (m *machine) update() (value, error) {
	a := args{m: m}
	id, d := a.elements()
	key, keyKnown := a.memory(asm.R2, int(d.KeySize))
	val, _ := a.memory(asm.R3, int(d.ValueSize))
	flags, flagsKnown := a.number(asm.R4)
	switch {
	case a.err != nil:
		return value{}, a.err
	case d.ReadOnly:
		return value{}, errReadOnly
	case m.others(d) && (d.Kind == Hash || !keyKnown || !flagsKnown):
		return value{kind: anything}, nil
	}
	if e := d.refusal(m.views[id].c, key, flags); e != 0 || m.others(d) {
		return e.value(), nil // which, of an array, no value decides
	}
	m.writable(id).put(d, key, val)
	return num(0), nil
}

// remove is bpf_map_delete_elem(map, key). An array's elements cannot be deleted.
func (m *machine) remove() (value, error) {
	a := args{m: m}
	id, d := a.elements()
	key, _ := a.memory(asm.R2, int(d.KeySize))
	switch {
	case a.err != nil:
		return value{}, a.err
	case d.ReadOnly:
		return value{}, errReadOnly
	case d.Kind != Hash:
		return einval.value(), nil
	case m.others(d):
		return value{kind: anything}, nil
	}
	return m.writable(id).remove(d, key).value(), nil
}
