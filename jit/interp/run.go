package interp

import (
	"errors"
	"fmt"

	"tailpoke/jit"
)

// Run runs entry in a world in which every key holds exactly one thing, and so has one
// outcome. What the program writes to the packet and to maps is found there afterwards, also
// what it wrote before an error; the context is left as it is.
func Run(entry *jit.Program, w World) (Outcome, error) {
	if w.Shared {
		return Outcome{}, errors.New("in a shared world there is not one path")
	}
	used, err := newWorld(entry, w)
	if err != nil {
		return Outcome{}, err
	}
	m := newMachine(entry, used)
	m.own()
	var names []string
	for {
		switch ev, err := m.run(); {
		case err != nil:
			return Outcome{}, err
		case ev == exits:
			return Outcome{
				R0: m.regs[0].n, Tails: names, Last: []string{m.last},
				Missed: m.missed, CtxWritten: m.lo != m.hi,
			}, nil
		}
		held, err := m.choices()
		if err != nil {
			return Outcome{}, m.errorf(err)
		}
		if len(held) != 1 {
			return Outcome{}, m.errorf(fmt.Errorf("the key may hold %d things, not one", len(held)))
		}
		if err := m.take(held[0]); err != nil {
			return Outcome{}, m.errorf(err)
		}
		if p := held[0].prog; p != nil {
			names = append(names, p.Name)
		}
	}
}
