package sim

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// Map is a map beside prog arrays. One that is an array of values, which images read without a call, has
// them all, Stride bytes from one to the next.
type Map struct {
	Values     []byte
	Stride     int // 0: it is none
	MaxEntries int
}

// MaxData bounds the values of all arrays together, in bytes: they are part of a thread's state.
const MaxData = 4 << 10

// MaxEntries bounds the keys of a prog array: each is a word of memory.
const MaxEntries = 1 << 19

// Properties lists what is judged, the most specific first: of violations that are equally
// near, the first is reported.
func Properties() []protocol.Property {
	return []protocol.Property{
		protocol.NeverA, protocol.NoTorn, protocol.NoUseAfterFree,
		protocol.ExpectedBytes, protocol.NoDoubleFree, protocol.NoEarlyFree, protocol.NoLeak,
		protocol.TailLimit, protocol.Registers,
	}
}

// Bounds of a subject.
const (
	// MaxThreads is the number of threads that can be simulated.
	MaxThreads = 8
	// MaxKeys is the number of keys that can change.
	MaxKeys = 6
	// MaxTexts is how many images can be loaded, the entry and copies included.
	MaxTexts = 13
	// MaxPrograms is how many programs keys may be given in any MaxOps operations, each of them three
	// times.
	MaxPrograms = 4
	// DefaultMaxStates bounds the states of a check: about 500 MB.
	DefaultMaxStates = 2 << 20
	// maxContentBytes bounds what the states of threads take, whatever the bound on states.
	maxContentBytes = 256 << 20
	// DefaultMaxOps is how many operations there are where no script says.
	DefaultMaxOps = 3
)

// Config says what is explored.
type Config struct {
	// Subject has the protocol, the method, the grace flavour and the number of threads; the
	// rest of its shape is what the programs make of it.
	Subject  protocol.Subject
	Layout   *jit.Layout
	Entry    *jit.Program   // what the threads execute
	Programs []*jit.Program // what the keys are given; may contain Entry itself
	Maps     map[string]int // number of keys of each prog array that the programs name
	Keys     []protocol.Key // the keys that change; Script names them by index
	Ctx      []byte         // what R1 points to
	// Data are the other maps that the programs name. Every execution finds the values of arrays as they
	// are here; nothing is found in the rest.
	Data     map[string]Map
	Outcomes []uint64 // what an execution may return; nil: anything

	// Held is the program that each key holds when everything begins, or [witness.None]; nil: all
	// are empty.
	Held []int
	// Script is what the mutator does, in order. Without one it does anything at any time, up
	// to MaxOps operations; 0 stands for DefaultMaxOps. Scripts load and unload nothing.
	Script protocol.Script
	MaxOps int

	// Properties are what is judged, nil: all of [Properties]. An execution that breaks
	// another goes on, as far as a CPU would.
	Properties []protocol.Property

	// Straddle places every image so that one of its slots, if it has any, crosses an aligned
	// 8-byte word. Otherwise images are placed for a method that stores whole words so that no
	// slot does, which is not possible for every image; and anywhere for other methods.
	Straddle bool

	// Compile makes the image of a program, with arrays where they will lie. It is asked again for the
	// same at every check, and may give what it gave before. Nil: [jit.Compile].
	Compile func(*jit.Program, *jit.Layout, map[string]jit.MapInfo) (*jit.Image, error)

	// Far, if set, is told before each level of the exploration how many states were found, how many
	// of them are at hand, and how many steps away these are.
	Far func(states, level, depth int)

	MaxStates int // 0: DefaultMaxStates
	Workers   int // 0: one for each CPU

	// Forward assumes that a CPU which has fetched the newest bytes of a slot, or has come back
	// from a trap, fetches no older ones afterwards. Without it nothing is assumed, and programs
	// that pass a site many times, as those do that tail call themselves, have too many
	// executions: at each pass the site may be open or not.
	Forward bool

	NoSymmetry bool // threads that are alike are not exchanged
	NoMerge    bool // every instruction is a step

	dataAt uint64 // where the structs lie; 0: dataAt. Tests have them where a real CPU finds them
}

func (c Config) withDefaults() Config {
	c.MaxStates = cmp.Or(c.MaxStates, DefaultMaxStates)
	c.Workers = cmp.Or(c.Workers, runtime.GOMAXPROCS(0))
	c.MaxOps = cmp.Or(c.MaxOps, DefaultMaxOps)
	if c.Properties == nil {
		c.Properties = Properties()
	}
	// Threads of different kinds are not alike.
	c.NoSymmetry = c.NoSymmetry || c.kinds() > 1
	return c
}

func (c *Config) check() error {
	threads := c.Subject.Shape.Threads
	switch {
	case c.Entry == nil || c.Layout == nil || len(c.Keys) == 0 || len(c.Programs) == 0:
		return errors.New("machine: a check needs a layout, an entry, programs and keys")
	case threads < 1 || threads > MaxThreads:
		return fmt.Errorf("machine: %d threads: want 1 to %d", threads, MaxThreads)
	case threads < c.kinds() && (c.Script == nil || len(c.Script) > 0): // there are operations
		return fmt.Errorf("machine: %d threads: the protocol has %d kinds of readers", threads, c.kinds())
	case len(c.Keys) > MaxKeys:
		return fmt.Errorf("machine: %d keys change: at most %d can", len(c.Keys), MaxKeys)
	case c.MaxOps < 0 || c.MaxOps > MaxCalls || len(c.Script) > MaxCalls:
		return fmt.Errorf("machine: a script of %d calls, or %d operations: at most %d",
			len(c.Script), c.MaxOps, MaxCalls)
	case c.MaxStates < 0 || c.Workers < 0:
		return errors.New("machine: bounds below zero")
	}
	for _, k := range c.Keys {
		if k.Index < 0 || k.Index >= c.Maps[k.Map] {
			return fmt.Errorf("machine: key %d of %s: it has %d keys", k.Index, k.Map, c.Maps[k.Map])
		}
	}
	if err := c.checkCalls(); err != nil {
		return err
	}
	for _, k := range c.Subject.Protocol.Site().Slots {
		for _, m := range c.Subject.Method.Steps {
			if _, end := m.Span(k.Size); end > k.Size {
				return fmt.Errorf("machine: %v writes beyond a %s of %d bytes", m, k.Name, k.Size)
			}
		}
	}
	return nil
}

// checkCalls refuses a script, or programs to begin with, that are not there.
func (c *Config) checkCalls() error {
	if c.Held != nil && len(c.Held) != len(c.Keys) {
		return fmt.Errorf("machine: %d keys hold something of %d", len(c.Held), len(c.Keys))
	}
	for i, p := range c.Held {
		if p < witness.None || p >= len(c.Programs) {
			return fmt.Errorf("machine: key %d holds program %d: there are %d", i, p, len(c.Programs))
		}
	}
	for i, call := range c.Script {
		if call.Kind != protocol.Put && call.Kind != protocol.Delete {
			return fmt.Errorf("machine: call %d of the script: nothing is loaded or unloaded here", i+1)
		}
		if call.Key >= len(c.Keys) || call.Kind == protocol.Put && call.Prog >= len(c.Programs) {
			return fmt.Errorf("machine: call %d of the script (%v): there are %d keys and %d programs",
				i+1, call, len(c.Keys), len(c.Programs))
		}
	}
	return nil
}

// A Load is an image that is loaded. Copies of a program have numbers in their names.
type Load struct {
	Name    string
	Program *jit.Program
}

// Loads lists what is loaded, in order, the entry first, and for each program which of that are
// its copies. Programs of witnesses are numbered as in the list.
func (c *Config) Loads() (loads []Load, copies [][]int) {
	loads = []Load{{c.Entry.Name, c.Entry}}
	for i, p := range c.Programs {
		if p == c.Entry {
			copies = append(copies, []int{0})
			continue
		}
		var own []int
		for n := range c.puts(i) {
			name := p.Name
			if n > 0 {
				name = fmt.Sprintf("%s.%d", p.Name, n+1)
			}
			own = append(own, len(loads))
			loads = append(loads, Load{name, p})
		}
		copies = append(copies, own)
	}
	return loads, copies
}

// puts is how many copies of a program are needed: one for each time that it may be given to
// a key after the copy before it was let go.
func (c *Config) puts(program int) int {
	n := 0
	if slices.Contains(c.Held, program) {
		n = 1
	}
	if c.Script == nil {
		return n + cmp.Or(c.MaxOps, DefaultMaxOps)
	}
	for _, call := range c.Script {
		if call.Kind == protocol.Put && call.Prog == program {
			n++
		}
	}
	return n
}
