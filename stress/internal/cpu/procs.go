package cpu

import "runtime"

// enoughProcs lets every thread run Go code at once if the programs call helpers: a reader that waits
// for one of two processors of the Go runtime stays in its section all the while, and no
// priority that is lent to it helps. restore puts the number back.
func (c *Config) enoughProcs() (restore func()) {
	calls := len(c.Entry.Calls)
	for _, p := range c.Programs {
		calls += len(p.Calls)
	}
	before := runtime.GOMAXPROCS(0)
	if want := before + c.Subject.Shape.Threads; calls > 0 && want > before {
		runtime.GOMAXPROCS(want)
	}
	return func() { runtime.GOMAXPROCS(before) }
}
