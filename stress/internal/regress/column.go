package regress

import (
	"errors"
	"fmt"
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
