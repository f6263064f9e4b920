package sim

import "slices"

// A state is the whole system in words: the mutator, what keys hold, the texts, one word for
// each slot and one for each thread.
type state = []uint64

const (
	mutatorWord = iota
	keysWord
	textsWord
	firstSlotWord
)

// none is no text, no key.
const none = -1

// MaxCalls bounds a script.
const MaxCalls = 255

// mutator is what the mutator is about.
type mutator struct {
	call       int // calls of the script, or operations, that were begun
	op         int // a protocol.OpKind, or none between two operations
	key        int
	given, old int  // texts, or none
	action     int  // index of the next action
	micro      int  // steps of the poke at hand that are done
	changed    int  // index of the last action that changed a byte, plus 1
	dropped    bool // the old program was let go
	// kept has a bit for each grace period in progress that forgets nobody, where another would: it is
	// not one of the subject's own.
	kept uint64
}

func (m mutator) pack() uint64 {
	v, at := uint64(0), 0
	put := func(x, bits int) {
		v |= uint64(x) << at
		at += bits
	}
	put(m.call, 8)
	put(m.op+1, 2)
	put(m.key, 3)
	put(m.given+1, 4)
	put(m.old+1, 4)
	put(m.action, 12)
	put(m.micro, 5)
	put(m.changed, 12)
	dropped := 0
	if m.dropped {
		dropped = 1
	}
	put(dropped, 1)
	put(int(m.kept), MaxTexts)
	return v
}

func mutatorOf(v uint64) mutator {
	get := func(bits int) int {
		x := int(v & (1<<bits - 1))
		v >>= bits
		return x
	}
	return mutator{
		call: get(8), op: get(2) - 1, key: get(3), given: get(4) - 1, old: get(4) - 1,
		action: get(12), micro: get(5), changed: get(12), dropped: get(1) != 0,
		kept: uint64(get(MaxTexts)),
	}
}

// The bounds that the packing sets.
const (
	maxActions = 1<<12 - 2
	maxMicros  = 1<<5 - 1
)

// Both what a key holds and what the map's pointer says are texts plus 1 in keyBits bits.
const (
	keyBits       = 5
	publishedFrom = MaxKeys
)

func textIn(w uint64, field int) int {
	return int(w>>(keyBits*field)&(1<<keyBits-1)) - 1
}

func withText(w uint64, field, text int) uint64 {
	w &^= (1<<keyBits - 1) << (keyBits * field)
	return w | uint64(text+1)<<(keyBits*field)
}

// status is what has become of a text that can be freed.
type status uint64

const (
	alive    status = iota // loaded
	retiring               // waits for its grace period
	freed
)

// Of a text there are its status and how many keys and operations hold it.
const (
	statusBits = 2
	refsBits   = 3
	textBits   = statusBits + refsBits
	maxRefs    = 1<<refsBits - 1
)

// statusOf is the status of a text; the entry is always alive.
func statusOf(w uint64, text int) status {
	if text == 0 {
		return alive
	}
	return status(w >> (textBits * (text - 1)) & (1<<statusBits - 1))
}

func withStatus(w uint64, text int, s status) uint64 {
	at := textBits * (text - 1)
	return w&^((1<<statusBits-1)<<at) | uint64(s)<<at
}

// refsOf is how many hold a text; the entry is held by its user.
func refsOf(w uint64, text int) int {
	if text == 0 {
		return 1
	}
	return int(w >> (textBits*(text-1) + statusBits) & maxRefs)
}

func withRefs(w uint64, text, refs int) uint64 {
	if text == 0 {
		return w
	}
	at := textBits*(text-1) + statusBits
	return w&^(maxRefs<<at) | uint64(refs)<<at
}

// A thread's word is the number of its local, and above it a bit for each grace period that
// waits for it: bit 0 the mutator's, bit n that of the retiring text n.
const localMask = 1<<localBits - 1

func graceBit(n int) uint64 { return 1 << (localBits + n) }

// wordOf is the index of a thread's word.
func (s *system) wordOf(thread int) int { return s.threadsFrom + thread*s.stride }

// free turns a text into int3. Its slots are poked no more.
func (s *system) free(x state, text int) {
	x[textsWord] = withStatus(x[textsWord], text, freed)
	for i := range s.slots {
		if s.slots[i].text == text {
			x[firstSlotWord+i] = 0
			s.forget(x, i)
		}
	}
}

// After a thread's word, if fetches only go forward, there is a word with a bit for each slot of
// which CPUs may see several contents: this one has seen the newest, and sees no other.

// sees notes that a thread has seen the newest content of the slots in bits.
func (s *system) sees(x state, thread int, bits uint64) {
	if s.Forward {
		x[s.wordOf(thread)+1] |= bits
	}
}

// has tells whether a thread has seen the newest content of a slot.
func (s *system) has(x state, thread, slot int) bool {
	return s.Forward && x[s.wordOf(thread)+1]>>slot&1 != 0
}

// forget is for a slot whose newest content no thread has seen, or all see.
func (s *system) forget(x state, slot int) {
	if !s.Forward {
		return
	}
	for i := s.threadsFrom; i < len(x); i += s.stride {
		x[i+1] &^= 1 << slot
	}
}

// open are the slots of which CPUs may see several contents.
func (s *system) open(x state) uint64 {
	bits := uint64(0)
	for i := range s.slots {
		if st := s.slotState(x[firstSlotWord+i]); st != nil && !st.settled() {
			bits |= 1 << i
		}
	}
	return bits
}

// canonical sorts the threads, which are alike.
func (s *system) canonical(x state) {
	switch {
	case s.NoSymmetry:
	case s.stride == 1:
		slices.Sort(x[s.threadsFrom:])
	default:
		for i := 1; i < s.threads; i++ {
			for j := i; j > 0 && slices.Compare(s.threadWords(x, j), s.threadWords(x, j-1)) < 0; j-- {
				a, b := s.threadWords(x, j), s.threadWords(x, j-1)
				a[0], a[1], b[0], b[1] = b[0], b[1], a[0], a[1]
			}
		}
	}
}

// threadWords are the words of a thread.
func (s *system) threadWords(x state, thread int) []uint64 {
	return x[s.wordOf(thread):][:s.stride]
}
