package interp

import (
	"errors"
	"slices"

	"tailpoke/jit"
)

// Held says what a key may hold at the moment of a tail call. A nil program is an empty key.
type Held func(m string, key uint32) []*jit.Program

// World is what a program runs in.
type World struct {
	Ctx        []byte                // the memory that R1 points to; every path works on its own copy
	Held       Held                  // asked at every tail call that the counter and MaxEntries allow
	MaxEntries func(m string) uint32 // how many keys a map has
	Layout     *jit.Layout           // whose Counter rules

	MaxSteps  int // bounds instructions, of all paths together; 0 is DefaultMaxSteps
	MaxStates int // bounds states at tail calls; 0 is DefaultMaxStates
}

// Defaults of the bounds.
const (
	DefaultMaxSteps  = 1 << 22
	DefaultMaxStates = 1 << 16
)

// maxFrames bounds pending functions. 34 programs, each 8 functions deep, are the most that
// a counter which is not reset lets one execution have.
const maxFrames = 34 * jit.MaxCallFrames

// ErrBounded says that a bound was reached before all paths had ended.
var ErrBounded = errors.New("execution exceeds the interpreter's bounds")

// world is a World in use.
type world struct {
	World
	maps     []string              // seen so far; an address of a map names it by index
	programs map[*jit.Program]uint // likewise, for keys of states
	steps    int
}

func newWorld(entry *jit.Program, w World) (*world, error) {
	switch {
	case entry.Translated:
		return nil, errors.New("program was translated for the kernel, and means nothing outside of it")
	case w.Layout == nil:
		return nil, errors.New("world without a layout")
	case w.Held == nil || w.MaxEntries == nil:
		return nil, errors.New("world that does not say what its maps hold")
	}
	if w.MaxSteps == 0 {
		w.MaxSteps = DefaultMaxSteps
	}
	if w.MaxStates == 0 {
		w.MaxStates = DefaultMaxStates
	}
	return &world{World: w, programs: map[*jit.Program]uint{}}, nil
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
