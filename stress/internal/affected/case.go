package affected

import (
	"fmt"
	"slices"

	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/internal/regress"
)

// caseOf carries out a case of the regression table up to its first run, whatever the kernel gives
// there: the result, and the tail calls where the case counts them. It must end on every kernel.
func caseOf(name string) (r0 uint32, tails int, err error) {
	cases := regress.Cases()
	i := slices.IndexFunc(cases, func(c regress.Case) bool { return c.Name == name })
	if i < 0 {
		return 0, 0, fmt.Errorf("no case is called %q", name)
	}
	c := &cases[i]
	spec, err := c.Collection()
	if err != nil {
		return 0, 0, err
	}
	s, err := kernel.OpenSession(spec)
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	for _, step := range c.Steps {
		switch step := step.(type) {
		case regress.Put:
			err = s.Put(step.Map, step.Key, step.Prog)
		case regress.Run:
			if r0, err = s.Run(c.Entry(), step.Input.Packet, nil); err != nil {
				return 0, 0, err
			}
			tails, err = taken(s, c)
			return r0, tails, err
		default:
			err = fmt.Errorf("case %s: %v comes before its first run", name, step)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return 0, 0, fmt.Errorf("case %s has no run", name)
}

// taken reads how many tail calls the run of a case took.
func taken(s *kernel.Session, c *regress.Case) (int, error) {
	sum := 0
	for _, name := range c.Count {
		v, err := s.Variable(name)
		if err != nil {
			return 0, err
		}
		sum += int(v)
	}
	if c.CountsEntry {
		sum--
	}
	return sum, nil
}
