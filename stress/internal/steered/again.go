package steered

import "fmt"

// mostTakes is how often a schedule is taken of which the kernel is accused.
const mostTakes = 3

// accuses says what the kernel did that it must not do and the model does not, or "".
func (c *cell) accuses() string {
	if c.died != nil {
		return c.died.Error()
	}
	return c.differs
}

// certain takes a schedule, and once more in another machine, which anew begins, if the kernel dies in it
// or differs from the model: a kernel is not accused of what does not come again. That is once; faults
// counts those of the emulator.
func certain(take func() (*cell, error), anew func() error) (c *cell, once string, faults int, err error) {
	for takes := 1; ; takes++ {
		if c, err = take(); err != nil {
			return nil, once, faults, err
		}
		switch said := c.accuses(); {
		case said == "" && (once == "" || takes >= mostTakes):
			return c, once, faults, nil
		case said == "":
			if !c.ruined {
				continue
			}
		case c.died != nil && c.died.Fault.Emulator != "":
			if faults++; takes >= mostTakes {
				return nil, once, faults, fmt.Errorf("%s, %d times: %w", c.died.Fault.Emulator, faults, c.died)
			}
		case once != "":
			return c, "", faults, nil
		default:
			once = said
		}
		if err = anew(); err != nil {
			return nil, once, faults, err
		}
	}
}
