package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
)

// system is what does not change while states are explored, and the pool of what they are
// made of.
type system struct {
	*Config
	texts    []*text // the entry first
	copies   [][]int // for each program the texts that are copies of it, in the order of their use
	site     protocol.Site
	sites    []site // in tracking order
	slots    []slot
	data     data
	own      []byte // the memory beside its stack that a thread begins with: the context, and arrays
	nextText uint64

	arrayKeys []pointerOf // for each key that changes its word
	keySites  [][]int     // for each key its sites
	actions   [protocol.OpKinds][][]action

	method  protocol.Method
	threads int

	threadsFrom, stride, words int
	idle                       uint64 // the local of a thread between two executions

	mu     sync.RWMutex
	locals map[uint64]*local
	// contentBytes is the size of all contents of locals.
	contentBytes int
	states       map[uint64]*slotState
}

// action is an action of an operation, with what it needs.
type action struct {
	protocol.Action
	site int  // Poke: index in system.sites
	asks bool // this action or a later one asks which poke changed a byte
}

func newSystem(c *Config) (*system, error) {
	nop := c.Layout.Nop()
	s := &system{
		Config: c, site: c.Subject.Protocol.Site().WithNop(nop[:]),
		nextText: textAt, data: data{next: cmp.Or(c.dataAt, dataAt)},
		method: c.Subject.Method, threads: c.Subject.Shape.Threads, stride: 1,
		locals: map[uint64]*local{}, states: map[uint64]*slotState{},
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	if err := s.unroll(); err != nil {
		return nil, err
	}
	s.threadsFrom = firstSlotWord + len(s.slots)
	if s.Forward {
		if s.stride = 2; len(s.slots) > 64 {
			return nil, fmt.Errorf("machine: %d slots: forward fetches know at most 64", len(s.slots))
		}
	}
	s.words = s.threadsFrom + s.threads*s.stride
	return s, nil
}

// judges reports whether a property is judged.
func (s *system) judges(p protocol.Property) bool { return slices.Contains(s.Properties, p) }

// unroll lists the actions of every operation on every key.
func (s *system) unroll() error {
	s.keySites = make([][]int, len(s.Keys))
	for i, x := range s.sites {
		s.keySites[x.key] = append(s.keySites[x.key], i)
	}
	for op := range s.actions {
		for key := range s.Keys {
			sites := s.keySites[key]
			acts := s.Subject.Protocol.Unroll(protocol.OpKind(op), len(sites))
			if len(acts) > maxActions || len(s.method.Steps) > maxMicros {
				return fmt.Errorf("machine: %d actions of %d steps are too many",
					len(acts), len(s.method.Steps))
			}
			out := make([]action, len(acts))
			asks := false
			for i := len(acts) - 1; i >= 0; i-- {
				out[i] = action{Action: acts[i], site: none}
				if acts[i].Kind == protocol.Poke {
					out[i].site = sites[acts[i].Desc]
				}
				asks = asks || acts[i].IfChanged
				out[i].asks = asks
			}
			s.actions[op] = append(s.actions[op], out)
		}
	}
	return nil
}

// initial is the state in which every image is loaded, with its sites as their keys want them,
// and every thread idle.
func (s *system) initial() (state, error) {
	t := newThread(s)
	l, err := s.intern(t)
	if err != nil {
		return nil, err
	}
	s.idle = l.id
	x := make(state, s.words)
	for key, p := range s.Held {
		if p == witness.None {
			continue
		}
		n := s.copies[p][0]
		x[keysWord] = withText(withText(x[keysWord], key, n), publishedFrom+key, n)
		x[textsWord] = withRefs(x[textsWord], n, refsOf(x[textsWord], n)+1)
	}
	x[mutatorWord] = mutator{call: s.next(x, 0), op: none, given: none, old: none}.pack()
	for i := range s.slots {
		c := s.first(x, i) // and every CPU sees it
		st := newSlotState(s.slots[i].size, c, c, []content{c})
		if x[firstSlotWord+i], err = s.slotWord(st); err != nil {
			return nil, err
		}
	}
	for i := range s.threads {
		x[s.wordOf(i)] = s.idle
	}
	return x, nil
}

// first is what a slot holds in the beginning.
func (s *system) first(x state, n int) content {
	at := &s.slots[n]
	held, holds := textIn(x[keysWord], s.sites[at.site].key), s.site.Empty[at.which]
	if held != none {
		holds = taken(&s.site.Slots[at.which])
	}
	return at.wholes[at.whole(holds, held)].bytes
}

// intern stores what the thread is now and returns it.
func (s *system) intern(t *thread) (*local, error) {
	content := string(t.pack(nil))
	id := hashBytes([]byte(content)) & localMask
	if l := s.local(id); l != nil {
		return l, sameOr(l.content == content)
	}
	l := &local{id: id, content: content, stop: (&run{s: s, t: t}).stop()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.locals[id]; old != nil {
		return old, sameOr(old.content == content)
	}
	s.locals[id] = l
	s.contentBytes += len(content)
	return l, nil
}

func (s *system) local(id uint64) *local {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.locals[id]
}

// slotWord stores the state of a slot and returns its number.
func (s *system) slotWord(x *slotState) (uint64, error) {
	if old := s.slotState(x.id); old != nil {
		return x.id, sameOr(old.equal(x))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.states[x.id]; old != nil {
		return x.id, sameOr(old.equal(x))
	}
	s.states[x.id] = x
	return x.id, nil
}

func (s *system) slotState(id uint64) *slotState {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.states[id]
}

// errCollision ends a check in which two contents have one number. Numbers are hashes of what
// they stand for, so the same check would end so again.
var errCollision = errors.New("machine: two contents have one number: " +
	"change the subject, be it by a script of one more call")

func sameOr(same bool) error {
	if !same {
		return errCollision
	}
	return nil
}

// copyFor is the copy of a program that a key is given: the first that was not let go; none if
// there is no such copy.
func (s *system) copyFor(x state, program int) (text int) {
	for _, n := range s.copies[program] {
		if statusOf(x[textsWord], n) == alive {
			return n
		}
	}
	return none
}
