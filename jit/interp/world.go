package interp

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tailpoke/jit"
)

// Held says what a key may hold at the moment of a tail call. A nil program is an empty key.
type Held func(m string, key uint32) []*jit.Program

// World is what a program runs in.
type World struct {
	Ctx        []byte                // the memory that R1 points to; every path works on its own copy
	Held       Held                  // asked at every tail call that the counter and MaxEntries allow
	MaxEntries func(m string) uint32 // how many keys a prog array has that is not in Maps
	Layout     *jit.Layout           // its Counter says how tail calls count

	CtxKind CtxKind // what Ctx is
	// CtxUnknown are ranges of Ctx, [from, to), of whose bytes nothing is known. Only Explore can.
	CtxUnknown [][2]int
	// SizeInR2: the entry finds the size of Ctx in R2, as it does where an image is run by
	// itself. No kernel says so.
	SizeInR2 bool
	Packet   []byte          // of a context that has one
	Maps     map[string]*Map // by symbol; a prog array need not be here

	// Shared says that others run in the same world: contents of maps that are not read-only,
	// and what differs between threads, are not known. Only Explore can.
	Shared bool

	// Unknown says that a verifier has taken the program: what the interpreter cannot predict, it takes
	// for unknown, instead of giving up. Only Explore can.
	Unknown bool

	Now    uint64 // what bpf_ktime_get_ns returns, in nanoseconds
	Random uint32 // what bpf_get_prandom_u32 returns
	CPU    uint32 // what bpf_get_smp_processor_id returns

	// Probe reads memory that the interpreter does not know, all of dst or nothing, and always
	// the same. Nil: there is none.
	Probe func(addr uint64, dst []byte) bool
	Trace func(line string) // is given what bpf_trace_printk prints, by Run; may be nil

	Stop      <-chan struct{} // is closed where Explore is to end before its bounds; nil: never
	MaxSteps  int             // bounds instructions, of all paths together; 0 is DefaultMaxSteps
	MaxStates int             // bounds states where paths part; 0 is DefaultMaxStates
}

// Defaults of the bounds.
const (
	DefaultMaxSteps  = 1 << 22
	DefaultMaxStates = 1 << 16
	// maxGuessed bounds the states where paths part once a guess was taken in a world where much is
	// unknown: a program of a thousand instructions would come to any bound.
	maxGuessed = 1 << 11
)

// maxFrames bounds pending functions. 34 programs, each 8 functions deep, are the most that
// a counter which is not reset lets one execution have.
const maxFrames = 34 * jit.MaxCallFrames

// ErrBounded says that a bound was reached, or the exploration stopped, before all paths had ended.
var ErrBounded = errors.New("execution exceeds the interpreter's bounds")

// world is a World in use.
type world struct {
	World
	maps     []string              // first World.Maps, then others in order of use; addresses index it
	defs     []*Map                // of World.Maps
	programs map[*jit.Program]uint // likewise, for keys of states
	steps    int

	packetUnknown bool // the program may change its packet
}

func newWorld(entry *jit.Program, w World) (*world, error) {
	switch {
	case entry.Translated:
		return nil, errors.New("program was translated for the kernel, and means nothing outside of it")
	case w.Layout == nil:
		return nil, errors.New("world without a layout")
	case w.Held == nil || w.MaxEntries == nil:
		return nil, errors.New("world that does not say what its maps hold")
	case w.CtxKind > CtxXDP:
		return nil, fmt.Errorf("there is no context of kind %d", w.CtxKind)
	}
	for _, u := range w.CtxUnknown {
		if u[0] < 0 || u[0] > u[1] || u[1] > len(w.Ctx) {
			return nil, fmt.Errorf("bytes %d to %d of a context of %d are unknown", u[0], u[1], len(w.Ctx))
		}
	}
	w.MaxSteps = cmp.Or(w.MaxSteps, DefaultMaxSteps)
	w.MaxStates = cmp.Or(w.MaxStates, DefaultMaxStates)
	used := &world{World: w, programs: map[*jit.Program]uint{}}
	for _, sym := range slices.Sorted(maps.Keys(w.Maps)) {
		d := w.Maps[sym]
		if d == nil {
			return nil, fmt.Errorf("map %s: nothing is said of it", sym)
		}
		if err := d.validate(); err != nil {
			return nil, fmt.Errorf("map %s: %w", sym, err)
		}
		used.maps, used.defs = append(used.maps, sym), append(used.defs, d)
	}
	return used, nil
}

// entries is how many keys a prog array has.
func (w *world) entries(sym string) (uint32, error) {
	d, ok := w.Maps[sym]
	switch {
	case !ok:
		return w.MaxEntries(sym), nil
	case d.Kind != ProgArray:
		return 0, fmt.Errorf("map %s is %v, not %v", sym, d.Kind, ProgArray)
	}
	return d.MaxEntries, nil
}

func (w *world) mapID(sym string) int32 {
	i := slices.Index(w.maps, sym)
	if i < 0 {
		i = len(w.maps)
		w.maps = append(w.maps, sym)
	}
	return int32(i)
}

func (w *world) programID(p *jit.Program) uint {
	id, ok := w.programs[p]
	if !ok {
		id = uint(len(w.programs))
		w.programs[p] = id
	}
	return id
}
