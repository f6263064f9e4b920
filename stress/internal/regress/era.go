package regress

import "tailpoke/jit"

// Era is a time in the life of tail calls, by what a program gets to see of it.
type Era string

// The eras, oldest first.
const (
	Seed          Era = "seed"            // as first posted, 16 July 2020
	V510          Era = "v5.10"           // to 6.11
	V510Unrounded Era = "v5.10 unrounded" // 5.10 to 5.18, with the fault that ff672c67ee76 mended
	V612          Era = "v6.12"           // to today
)

// Eras lists the eras, oldest first.
func Eras() []Era { return []Era{Seed, V510, V510Unrounded, V612} }

// rules is the era whose rules an era's code was meant to keep.
func (e Era) rules() Era {
	if e == V510Unrounded {
		return V510
	}
	return e
}

// Layout is the layout of the era's images, and nil for a name that is none.
func (e Era) Layout() *jit.Layout {
	l, ok := map[Era]jit.Layout{
		Seed: jit.SeedLayout, V510: jit.V510, V510Unrounded: jit.V510, V612: jit.V612,
	}[e]
	if !ok {
		return nil
	}
	l.Name, l.UnroundedReload = string(e), e == V510Unrounded
	return &l
}

// Properties that a run may be found to break, as in docs/verdicts.md.
const (
	TailLimit = "tail-limit" // more than Limit tail calls in one execution
	NoMiss    = "no-miss"    // a tail call was refused that the era's rules allow
	Registers = "registers"  // watched by columns of machine code alone
)

// Limit is how many tail calls one execution may take.
const Limit = 33
