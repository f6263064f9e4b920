package affected

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Fault is one that kernels had, and may have.
type Fault struct {
	Name     string
	Says     string // what goes wrong
	Origin   string // the commit that mended it; of one that is not mended, that brought it
	Versions string // of the kernels that had it, as they were released
	// Race: whether it shows is a matter of luck. Shown is a kernel on which the same experiment
	// shows it.
	Race  bool
	Shown string
	// Endangers: a kernel that has it may end in the experiment.
	Endangers bool

	// ask carries the experiment out, and says what it came to. It ends by [bench.must] where a
	// program could not be loaded, or a call went wrong that nothing is said of.
	ask func(*bench) finding
}

// Faults lists them. Those that endanger the kernel come last: whoever reads along knows by then
// what there is to know without them.
func Faults() []Fault {
	all := slices.Concat(countFaults(), keyFaults(), refusalFaults(), []Fault{trampolineFault()},
		hookFaults(), extensionFaults(), []Fault{sleepableFault(), pokeRace()})
	slices.SortStableFunc(all, func(a, b Fault) int { return cmp.Compare(danger(a), danger(b)) })
	return all
}

func danger(f Fault) int {
	if f.Endangers {
		return 1
	}
	return 0
}

// chosen are the faults of these names, or all, in the order of [Faults].
func chosen(names []string) ([]Fault, error) {
	all := Faults()
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(f Fault) bool { return f.Name == name }) {
			return nil, fmt.Errorf("no fault is called %q; there are: %s",
				name, strings.Join(namesOf(all), " "))
		}
	}
	return slices.DeleteFunc(all, func(f Fault) bool { return !slices.Contains(names, f.Name) }), nil
}

func namesOf(faults []Fault) (out []string) {
	for _, f := range faults {
		out = append(out, f.Name)
	}
	return out
}

// settleTime bounds an experiment, a race apart. One that does not end by itself is left alone: its
// thread is in the kernel, and nothing can be done about it.
const settleTime = 2 * time.Minute
