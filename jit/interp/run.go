package interp

import (
	"fmt"

	"tailpoke/jit"
)

// Run runs entry in a world in which every key holds exactly one thing, and so has one
// outcome.
func Run(entry *jit.Program, w World) (Outcome, error) {
	used, err := newWorld(entry, w)
	if err != nil {
		return Outcome{}, err
	}
	m := newMachine(entry, used)
	var names []string
	for {
		done, err := m.run()
		switch {
		case err != nil:
			return Outcome{}, err
		case done:
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
		if held[0] != nil {
			names = append(names, held[0].Name)
		}
	}
}
