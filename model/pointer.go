package model

import (
	"slices"

	"tailpoke/patcher/protocol"
)

// What a key holds is what the map's pointer names, as long as every operation publishes:
// the key changes hands at the moment at which the pointer is exchanged. An operation that
// never publishes has no such moment. If there are only direct sites, the model believes the
// pointer: the key holds what it held. If an indirect caller or the load of a copy reads the
// pointer itself, the two are kept apart: such an operation gives the key its program when it
// is called, and the pointer goes on naming the old one.

// publishes reports whether an operation exchanges the map's pointer.
func publishes(steps []protocol.Step) bool {
	return slices.ContainsFunc(steps, func(s protocol.Step) bool { return s.Kind == protocol.Publish })
}

// alwaysPublishes reports whether every operation does.
func alwaysPublishes(p protocol.Protocol) bool {
	for _, steps := range p.Ops {
		if !publishes(steps) {
			return false
		}
	}
	return true
}

// pointer returns the program that the map's pointer names.
func (sys *system) pointer(x *state, key int) uint64 {
	if !sys.apart {
		return heldField.at(key).of(x[0])
	}
	return pointerField.at(key).of(x[sys.extra])
}

// setPointer makes the map's pointer name p, and the key hold it.
func (sys *system) setPointer(x *state, key int, p uint64) {
	x[0] = heldField.at(key).put(x[0], p)
	if sys.apart {
		x[sys.extra] = pointerField.at(key).put(x[sys.extra], p)
	}
}
