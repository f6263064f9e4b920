package model

import "tailpoke/patcher/protocol"

// The largest shape that a state has room for.
const (
	maxThreads = 8
	maxSites   = 8
	maxKeys    = 4
	maxActions = 1<<8 - 2 // lastField holds an action's index plus 1
	maxMicros  = 1<<6 - 1

	maxWords = 1 + maxSites + extraWords + maxThreads
)

// extraWords is how many words there may be between the sites and the threads. Only
// shapes that need them have them.
const extraWords = 3

// A state is one word for the mutator, the keys and the programs, then one for each
// site, then the extra ones, then one for each thread. Words after these are not used.
//
// Programs count from 1 in a state, so that 0 is none.
type state [maxWords]uint64

// A field is a range of bits of a word: its first bit in the high byte, its width in
// the low one. All are constants, so that of and put compile to a shift and a mask.
type field uint16

func (f field) mask() uint64                  { return 1<<(f&0xff) - 1 }
func (f field) of(w uint64) uint64            { return w >> (f >> 8) & f.mask() }
func (f field) put(w uint64, v uint64) uint64 { return w&^(f.mask()<<(f>>8)) | v<<(f>>8) }

// at is the i-th of equal fields that lie one after the other.
func (f field) at(i int) field { return f + (f&0xff)*field(i)<<8 }

// The word of the mutator, the keys and the programs. A further agent's word has what
// concerns the agent alone at the same place.
const (
	opField     field = 0<<8 | 2  // 0 when idle, else 1 + the operation
	keyField    field = 2<<8 | 2  // the operation's key
	givenField  field = 4<<8 | 3  // the program that it gives
	oldField    field = 7<<8 | 3  // the program that it replaces
	actionField field = 10<<8 | 8 // index of its next action, or how many there are
	microField  field = 18<<8 | 6 // a poke in progress: its next micro-step
	lastField   field = 24<<8 | 8 // 1 + index of the last poke that changed a byte
	waitField   field = 32<<8 | 1 // a wait is in progress
	heldField   field = 33<<8 | 3 // at key: the program that it holds
	statusField field = 45<<8 | 2 // at program-1: its status
	lookField   field = 57<<8 | 4 // 1 + the instruction that the agent takes a slot to hold
)

// The word of the map's pointers and of the images that come and go.
const (
	pointerField field = 0<<8 | 3  // at key: the program that the map's pointer names
	placedField  field = 12<<8 | 1 // at copy: its image is there
	trackedField field = 14<<8 | 1 // at copy: its descriptors are on the list
	openField    field = 16<<8 | 1 // at copy: executions may begin in it
	stableField  field = 18<<8 | 1 // at site, the copies' alone: its descriptor is stable
	readField    field = 26<<8 | 3 // at site of one image: what its load has read
	knownField   field = 58<<8 | 1 // at copy: its text is known
	listedField  field = 50<<8 | 1 // at program-1: its descriptors are on the list
)

// The status of a program.
const (
	loaded   = iota // its memory is there, no key holds it
	held            // a key holds it, or an operation has it in hand
	retiring        // its grace period is running
	freed           // its memory was given back; it may be loaded again
)

// The word of a thread. It is 0 when the thread is idle.
const (
	placeField   field = 0<<8 | 3  // where it stands
	siteField    field = 3<<8 | 3  // at which site
	progField    field = 6<<8 | 3  // in which program
	waitedField  field = 9<<8 | 1  // the wait in progress waits for it
	retiredField field = 10<<8 | 1 // at program-1: its retirement waits for it
	mustField    field = 16<<8 | 1 // at key: it must not fall through a site of the key
	freshField   field = 20<<8 | 6 // at key: bit program-1 when it may run the program
	waited1Field field = 46<<8 | 1 // the wait of the second agent waits for it
	waited2Field field = 47<<8 | 1 // the wait of the third one
	hiddenField  field = 48<<8 | 1 // what it stored when it entered waits in its store buffer
	homeField    field = 49<<8 | 2 // of a thread in a program that may return: the image it came from
	kindField    field = 51<<8 | 2 // of which kind of readers its execution is
)

// The places where a thread stands. Everything but idle is inside a reader section.
const (
	idle       = 0
	atSlots    = 1                       // before the fetch of a slot, one place for each
	trapped    = atSlots + siteSlots     // a slot trapped, and the handler has not run yet
	inProgram  = trapped + siteSlots     // in the program that it has tail-called
	afterSites = trapped + siteSlots + 1 // past the last site, in the caller
	entering   = trapped + siteSlots + 2 // it has read the epoch and not yet stored it
)

// bound reports whether a thread may still fetch a slot. Only then its duties (mustField,
// freshField) mean anything; elsewhere they are 0, so that states merge.
func (sys *system) bound(place uint64) bool {
	return place != idle && place < inProgram || place == inProgram && sys.lasts
}

// standingAt returns the place before a slot, and trappedAt that in its trap.
func standingAt(s protocol.Slot) uint64 { return atSlots + uint64(s) }
func trappedAt(s protocol.Slot) uint64  { return trapped + uint64(s) }

// slotAt returns the slot that a thread stands before, or has trapped at; none elsewhere.
func slotAt(place uint64) (s protocol.Slot, traps, is bool) {
	switch {
	case place >= atSlots && place < trapped:
		return protocol.Slot(place - atSlots), false, true
	case place >= trapped && place < inProgram:
		return protocol.Slot(place - trapped), true, true
	}
	return 0, false, false
}

// programBit is the bit of program p in freshField, 0 for none.
func programBit(p uint64) uint64 { return 1 << p >> 1 }
