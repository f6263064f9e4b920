package steered

import "fmt"

// mostTakes is how often a schedule is taken in which the kernel dies.
const mostTakes = 3

// certain takes a schedule, and once more if the kernel dies in it: an accusation is not made of what does
// not come again. anew begins with another machine. Once is a death that did not come again, and faults
// are those of the emulator.
func certain(take func() (*cell, error), anew func() error) (c *cell, once *Died, faults []*Died, err error) {
	for takes := 1; ; takes++ {
		if c, err = take(); err != nil {
			return nil, once, faults, err
		}
		switch d := c.died; {
		case d == nil && (once == nil || takes >= mostTakes):
			return c, once, faults, nil
		case d == nil:
			if !c.ruined {
				continue
			}
		case d.Fault.Emulator != "":
			if faults = append(faults, d); takes >= mostTakes {
				return nil, once, faults, fmt.Errorf("%s, %d times: %w", d.Fault.Emulator, len(faults), d)
			}
		case once != nil:
			return c, nil, faults, nil
		default:
			once = d
		}
		if err = anew(); err != nil {
			return nil, once, faults, err
		}
	}
}
