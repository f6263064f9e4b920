package steered

import (
	"errors"
	"fmt"
)

// mostTakes is how often a schedule is taken of which the kernel is accused.
const mostTakes = 3

// errEmulator is the error of a schedule that the emulator cannot be had to take.
var errEmulator = errors.New("the emulator goes wrong each time")

// accuses says what the kernel did that it must not do and the model does not, and of what kind that is;
// "" if there is nothing.
func (c *cell) accuses() (said, kind string) {
	if c.died != nil {
		return c.died.Error(), "died"
	}
	return c.differs, c.differs
}

// certain takes a schedule, and once more in another machine, which anew begins, if the kernel dies in it
// or differs from the model: a kernel is not accused of what does not come again. That is once; faults
// counts those of the emulator. What breaks a property the model says too, so it counts at once.
func certain(take func() (*cell, error), anew func() error) (c *cell, once string, faults int, err error) {
	kinds := map[string]bool{}
	for takes := 1; ; takes++ {
		if c, err = take(); err != nil {
			return nil, once, faults, err
		}
		said, kind := c.accuses()
		switch {
		case said == "" && (len(kinds) == 0 || takes >= mostTakes || c.broken != ""):
			return c, once, faults, nil
		case said == "":
			if !c.ruined {
				continue
			}
		case c.died != nil && c.died.Fault.Emulator != "":
			if faults++; takes >= mostTakes {
				return nil, once, faults, fmt.Errorf("%w: %s: %w", errEmulator, c.died.Fault.Emulator, c.died)
			}
		case kinds[kind]:
			return c, "", faults, nil
		default:
			if kinds[kind], once = true, said; takes >= mostTakes { // each take another thing
				c.died, c.differs, c.letter = nil, "", letterDiffers
				return c, once, faults, nil
			}
		}
		if err = anew(); err != nil {
			return nil, once, faults, err
		}
	}
}
