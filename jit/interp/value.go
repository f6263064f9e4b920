package interp

import (
	"errors"
	"fmt"
)

// A value is what a register or a quad word of the stack holds.
type value struct {
	n    uint64 // the number; or how far into its memory an address points, signed
	id   int32  // the frame, map or function that an address belongs to
	elem int32  // the element of map id, or anyElem
	kind kind
	// loose is an address of which only the memory is known, and not where in it. Its n is 0.
	loose bool
}

// anyElem is some element of a map, which one is not known.
const anyElem = -1

type kind uint8

const (
	unset    kind = iota // never written
	number               // n
	anything             // a number that is not known: others may have written it
	inCtx                // an address in the context
	inStack              // an address in the stack of frame id, from its frame pointer
	inPacket             // an address in the packet
	inValue              // an address in the value of element elem of map id
	ofMap                // the address of map id
	ofFunc               // the address of function id of the program
)

var (
	errUnset   = errors.New("reads what was never written")
	errAddress = errors.New("computes with an address")
	errUnknown = errors.New("depends on a number that is not known")
	errBounds  = errors.New("access is outside of its memory")
)

func num(n uint64) value { return value{kind: number, n: n} }

func (v value) isAddress() bool { return v.kind > anything }

// asNumber is the number that v is, if it is one and known.
func (v value) asNumber() (uint64, error) {
	switch v.kind {
	case number:
		return v.n, nil
	case anything:
		return 0, errUnknown
	case unset:
		return 0, errUnset
	}
	return 0, errAddress
}

// numbers says whether all values are numbers, and whether all of them are known.
func numbers(vs ...value) (known bool, err error) {
	known = true
	for _, v := range vs {
		_, err := v.asNumber()
		switch {
		case v.kind == anything:
			known = false
		case err != nil:
			return false, err
		}
	}
	return known, nil
}

// maybeSame says whether two addresses point into one memory, or values of one map, of which it is
// not known how far they are apart.
func maybeSame(a, b value) bool {
	return a.isAddress() && a.kind == b.kind && a.id == b.id &&
		(a.elem == anyElem || b.elem == anyElem || a.loose || b.loose)
}

// sameMemory says whether two addresses are known to point into one piece of memory.
func sameMemory(a, b value) bool {
	return a.isAddress() && a.kind == b.kind && a.id == b.id && a.elem == b.elem && a.elem != anyElem && !a.loose && !b.loose
}

var kinds = [...]string{
	unset: "nothing", number: "a number", anything: "an unknown number",
	inCtx: "an address in the context", inStack: "an address in a stack",
	inPacket: "an address in the packet", inValue: "an address in a map's value",
	ofMap: "the address of a map", ofFunc: "the address of a function",
}

func (k kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}
