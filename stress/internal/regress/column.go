package regress

import (
	"errors"
	"fmt"

	"tailpoke/jit"
)

// Column carries cases out.
type Column struct {
	Name string
	Era  Era // what the column is expected to give
	// Open prepares a case: programs loaded, maps empty, variables at zero. The error wraps
	// [ErrCannotRun], with the reason, if the case cannot be carried out here.
	Open func(c *Case) (Session, error)
}

// Session is one case in one column. Run, Reload and the reading of results are called by one
// goroutine; Put may be called by another at the same time.
type Session interface {
	// Put puts a program under a key of a prog array.
	Put(m string, key uint32, prog string) error
	// Delete empties a key. The error wraps [ErrNoKey] if it was empty.
	Delete(m string, key uint32) error
	// Reload loads a program anew, as it was at first, and runs that one from here on. What keys
	// hold stays as it is.
	Reload(prog string) error
	// Run runs a program and gives the lower half of R0. The error wraps [ErrEndless] if the
	// run had to be thrown out, and is a [*Violation] if the column saw a property broken.
	// Variables and Element then still tell how far it came, and the session is closed next.
	Run(prog string, in Input) (uint32, error)
	// Variable reads a global variable.
	Variable(name string) (uint64, error)
	// SetVariable writes it.
	SetVariable(name string, value uint64) error
	// Element reads an element of a map. The error wraps [ErrNoKey] if there is none.
	Element(m string, key []byte) ([]byte, error)
	Close() error
}

// What a column says in place of a result.
var (
	ErrCannotRun = errors.New("cannot run here")
	ErrNoKey     = errors.New("no such key")
	ErrEndless   = errors.New("execution thrown out: it did not end")
)

// Violation says that a column saw a property broken that it watches itself.
type Violation struct {
	Property string
	Detail   string
}

func (v *Violation) Error() string { return fmt.Sprintf("violates %s: %s", v.Property, v.Detail) }

// Columns are the columns that this machine can have: the interpreter under today's rules,
// machine code in every era's layout, the running kernel. missing names the others, with reasons.
func Columns() (columns []Column, missing []string) {
	add := func(name string, c Column, err error) {
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s: %v", name, err))
			return
		}
		columns = append(columns, c)
	}
	i, err := NewInterpreter(V612)
	add("the interpreter", i, err)
	for _, e := range Eras() {
		n, err := NewNative(e)
		add("layout "+string(e), n, err)
	}
	k, err := NewKernel()
	add("the kernel", k, err)
	return columns, missing
}

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
