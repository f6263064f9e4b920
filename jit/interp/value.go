package interp

import (
	"errors"
	"fmt"
)

// A value is what a register or a quad word of the stack holds.
type value struct {
	kind kind
	n    uint64 // the number; or how far into its memory an address points, signed
	id   int32  // the frame, map or function that an address belongs to
}

type kind uint8

const (
	unset   kind = iota // never written
	number              // n
	inCtx               // an address in the context
	inStack             // an address in the stack of frame id, from its frame pointer
	ofMap               // the address of map id
	ofFunc              // the address of function id of the program
)

var (
	errUnset   = errors.New("reads what was never written")
	errAddress = errors.New("computes with an address")
	errBounds  = errors.New("access is outside of its memory")
)

func num(n uint64) value { return value{kind: number, n: n} }

func (v value) isAddress() bool { return v.kind != unset && v.kind != number }

// asNumber is the number that v is, if it is one.
func (v value) asNumber() (uint64, error) {
	switch v.kind {
	case number:
		return v.n, nil
	case unset:
		return 0, errUnset
	}
	return 0, errAddress
}

// sameMemory says whether two addresses point into one piece of memory.
func sameMemory(a, b value) bool {
	return a.isAddress() && a.kind == b.kind && a.id == b.id
}

func (k kind) String() string {
	switch k {
	case unset:
		return "nothing"
	case number:
		return "a number"
	case inCtx:
		return "an address in the context"
	case inStack:
		return "an address in a stack"
	case ofMap:
		return "the address of a map"
	case ofFunc:
		return "the address of a function"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}
