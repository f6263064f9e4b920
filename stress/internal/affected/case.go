package affected

import (
	"fmt"

	"tailpoke/stress/internal/kernel"
	"tailpoke/stress/internal/regress"
)

// caseOf carries out a case of the regression table up to its first run, whatever the kernel gives
// there: the result, and the tail calls where the case counts them. It must end on every kernel.
func (b *bench) caseOf(name string) (r0 uint32, tails int) {
	c, err := regress.CaseByName(name)
	b.must(err)
	spec, err := c.Collection()
	b.must(err)
	s, err := kernel.OpenSession(spec)
	b.must(err)
	defer s.Close()
	for _, step := range c.Steps {
		switch step := step.(type) {
		case regress.Put:
			b.must(s.Put(step.Map, step.Key, step.Prog))
		case regress.Run:
			r0, err = s.Run(c.Entry(), step.Input.Packet, nil)
			b.must(err)
			tails, err = c.Tails(s.Variable)
			b.must(err)
			return r0, tails
		default:
			b.must(fmt.Errorf("case %s: %v comes before its first run", name, step))
		}
	}
	b.must(fmt.Errorf("case %s has no run", name))
	return 0, 0
}
