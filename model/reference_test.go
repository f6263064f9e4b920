package model

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tailpoke/patcher/protocol"
)

// The reference is the model a second time, as plainly as it can be said: no packing, no
// symmetry, no shards, one thread, a map of visited states. It shares no code with the
// package. Its figures must be the same to the last transition.

const refMax = 3 // sites, keys and programs that a reference state has room for

type refInstr int // 0 a nop, 1+p a jump to program p (the bypass: 1, out), -1 partly written

type refBytes struct {
	head byte // 'n', 'j' or '3'
	tail refInstr
}

// refSeen is a set of bytes that may be fetched: by head (n, j, 3) and 1+tail.
type refSeen [3][refMax + 2]bool

func (s *refSeen) bit(b refBytes) *bool {
	return &s[strings.IndexByte("nj3", b.head)][1+b.tail]
}

func (s refSeen) each(do func(refBytes)) {
	for i, h := range []byte("nj3") {
		for t := range s[i] {
			if s[i][t] {
				do(refBytes{h, refInstr(t - 1)})
			}
		}
	}
}

type refSlot struct {
	mem    refBytes
	seen   refSeen
	expect refInstr
}

type refThread struct {
	place   string // "", bypass, target, inside, after
	trapped bool
	site    int
	prog    refInstr
	wait    [3]bool // by agent
	retire  [refMax]bool
	must    [refMax]bool
	fresh   [refMax][refMax]bool
	kind    int // of readers, 0 outside
	home    int // of a thread in a program that may return: the first site of the image it came from
}

func (t refThread) fetches() bool { return t.place == "bypass" || t.place == "target" }

// bound: the thread has its duties, for it is before a fetch or may come back to one.
func (r *reference) bound(t refThread) bool {
	return t.fetches() || (r.Shape.Nested || r.Shape.Deep) && t.place == "inside"
}

// A refAgent is a mutator, or, in the last place, the loader: its op is then "load" or
// "unload" and its key the copy, of which there is one at most.
type refAgent struct {
	busy                bool
	op                  string
	key                 int
	given, old          refInstr // 0 none
	action, micro, last int
	waiting             bool
	look                refInstr // 0, or 2 + what it takes a slot to hold
	holds               bool     // the loader alone: it has the mutex of the site at hand
}

const refLoader = 2

type refState struct {
	agent                    [3]refAgent
	ptr                      [refMax]refInstr // what the key holds
	stale                    [refMax]refInstr // what the pointer names, where that may be another
	status                   [refMax]string   // "", held, retiring, freed
	slot                     [2 * refMax][2]refSlot
	listed                   [refMax]bool // programs that have sites
	placed, tracked, entered bool         // the copy: is there, is on the list, may be entered
	stable                   [refMax]bool
	known                    bool             // the copy's text is
	read                     [refMax]refInstr // what the load has read, for each site
	thread                   refThread
}

type reference struct {
	protocol.Subject
	lines []string // of the protocol's text
	me    int      // the agent that moves
	next  func(refState, protocol.Property)
}

func newReference(s protocol.Subject) *reference {
	return &reference{Subject: s, lines: strings.Split(s.Protocol.String(), "\n")}
}

func refWhole(i refInstr) refBytes {
	if i == 0 {
		return refBytes{'n', 0}
	}
	return refBytes{'j', i}
}

func (r *reference) start() refState {
	var s refState
	for i := range r.Shape.Sites {
		s.slot[i] = refEmptySite()
		if r.Shape.Copies > 0 {
			s.slot[r.Shape.Sites+i] = refErasedSite()
		}
	}
	for i := r.deepSites(); i < r.allSites(); i++ {
		s.slot[i], s.listed[r.programAt(i)] = refEmptySite(), true
	}
	return s
}

func refEmptySite() (site [2]refSlot) {
	for j, instr := range []refInstr{1, 0} {
		site[j] = refSlot{mem: refWhole(instr), expect: instr}
		*site[j].seen.bit(refWhole(instr)) = true
	}
	return site
}

func refErasedSite() (site [2]refSlot) {
	for j := range site {
		site[j] = refSlot{mem: refBytes{'3', -1}, expect: -1}
		*site[j].seen.bit(refBytes{'3', -1}) = true
	}
	return site
}

// allSites is how many sites there are, those of the copy after the others, and those of
// the programs after these.
func (r *reference) allSites() int {
	if r.Shape.Deep {
		return r.deepSites() + r.Shape.Programs*r.ownSites()
	}
	return r.deepSites()
}

func (r *reference) keyOf(site int) int {
	if site >= r.deepSites() {
		return (site - r.deepSites()) % r.ownSites()
	}
	return site % r.Shape.Sites % r.Shape.Keys
}

// sites lists the sites of an agent's operation.
func (r *reference) sites(a refAgent) []int {
	var out []int
	for i := range r.allSites() {
		if a.op == "load" && i >= r.Shape.Sites && i < r.deepSites() || a.op != "load" && a.op != "unload" && r.keyOf(i) == a.key {
			out = append(out, i)
		}
	}
	return out
}

func (r *reference) actions(a refAgent) []protocol.Action {
	n := len(r.sites(a))
	switch a.op {
	case "load":
		return r.Protocol.UnrollLoad(n)
	case "unload":
		return r.Protocol.UnrollUnload()
	}
	for op := range protocol.OpKind(protocol.OpKinds) {
		if op.String() == a.op {
			return r.Protocol.Unroll(op, n)
		}
	}
	panic(a.op)
}

func (r *reference) step(s refState) {
	for p := range r.Shape.Programs {
		if s.status[p] == "retiring" && !s.thread.retire[p] && (r.unlisting() != "first" || r.idle(s)) {
			n := s
			r.giveBack(&n, p)
			r.next(n, "")
		}
		r.loadProgram(s, p)
	}
	for r.me = range s.agent {
		switch a := s.agent[r.me]; {
		case r.me >= max(1, r.Shape.Mutators) && r.me != refLoader, r.me == refLoader && r.Shape.Copies == 0:
		case a.busy && a.action == len(r.actions(a)):
			r.back(s)
		case a.busy && r.me == refLoader:
			r.load(s, r.actions(a)[a.action])
		case a.busy:
			r.act(s, r.actions(a)[a.action])
		case r.me == refLoader:
			r.life(s)
		default:
			r.call(s)
		}
	}
	r.thread(s)
}

func (s refState) pointed(p int) bool {
	for _, q := range s.ptr {
		if q == refInstr(1+p) {
			return true
		}
	}
	return false
}

func (r *reference) micros() []string {
	var out []string
	for _, m := range r.Method.Steps {
		if m.String() == "bytes" {
			out = append(out, "head=new", "tail")
		} else {
			out = append(out, m.String())
		}
	}
	return out
}

func (r *reference) want(s refState, by int, act protocol.Action) refInstr {
	a := s.agent[by]
	switch {
	case act.To == protocol.Nop:
		return 0
	case act.Slot == protocol.Bypass:
		return 1
	case by == refLoader:
		return s.read[r.sites(a)[act.Desc]-r.Shape.Sites]
	default:
		return a.given
	}
}

// knows reports whether the load's line makes text known.
func (r *reference) knows() bool {
	return slices.ContainsFunc(r.lines, func(l string) bool {
		return strings.HasPrefix(strings.TrimSpace(l), "load") && strings.Contains(l, "known")
	})
}

func (r *reference) poke(s refState, act protocol.Action) {
	a := &s.agent[r.me]
	slot := &s.slot[r.sites(*a)[act.Desc]][act.Slot]
	want, expect := r.want(s, r.me, act), slot.expect
	if a.micro == 0 && a.look == 0 && r.me != refLoader && r.sites(*a)[act.Desc] >= r.Shape.Sites &&
		r.sites(*a)[act.Desc] < r.deepSites() && r.knows() && !s.known {
		slot.expect = want
		r.next(r.advance(s, a.action+1), "")
		return
	}
	if a.micro == 0 {
		if r.Protocol.Mutex == protocol.MutexNone && (r.Shape.Mutators > 1 || r.Shape.Copies > 0) {
			if a.look == 0 {
				a.look = 2 + expect
				r.next(s, "")
				return
			}
			a.look, expect = 0, a.look-2
		}
		for i, b := range s.agent {
			if i != r.me && b.micro > 0 {
				return // single pokes exclude each other
			}
		}
		if slot.mem != refWhole(expect) {
			r.next(s, protocol.ExpectedBytes)
			return
		}
		if expect == want {
			r.next(r.advance(s, a.action+1), "")
			return
		}
		a.holds = true
	}
	before := slot.seen
	switch r.micros()[a.micro] {
	case "head=int3":
		before.each(func(b refBytes) { *slot.seen.bit(refBytes{'3', b.tail}) = true })
		slot.mem.head = '3'
	case "head=new":
		h := refWhole(want).head
		before.each(func(b refBytes) { *slot.seen.bit(refBytes{h, b.tail}) = true })
		slot.mem.head = h
	case "tail":
		before.each(func(b refBytes) {
			if b.tail != want {
				*slot.seen.bit(refBytes{b.head, want}) = true
				*slot.seen.bit(refBytes{b.head, -1}) = true
			}
		})
		slot.mem.tail = want
	case "all":
		slot.mem = refWhole(want)
		*slot.seen.bit(slot.mem) = true
	case "sync":
		for i := range r.allSites() {
			for j := range s.slot[i] {
				s.slot[i][j].seen = refSeen{}
				*s.slot[i][j].seen.bit(s.slot[i][j].mem) = true
			}
		}
	}
	if a.micro++; a.micro == len(r.micros()) {
		slot.expect = want
		a.micro, a.last = 0, a.action+1
		s = r.advance(s, a.action+1)
	}
	r.next(s, "")
}

type propertySet map[protocol.Property]bool

// explore counts until a level breaks something. It returns what is broken on that
// level, and how long the way there is.
func (r *reference) explore() (states, transitions uint64, depth int, broken propertySet) {
	broken = propertySet{}
	level := []refState{r.start()}
	visited := map[refState]bool{level[0]: true}
	for depth = 0; ; depth++ {
		var next []refState
		r.next = func(s refState, p protocol.Property) {
			transitions++
			if p != "" {
				broken[p] = true
			} else if !visited[s] {
				visited[s] = true
				next = append(next, s)
			}
		}
		for _, s := range level {
			r.step(s)
		}
		if len(broken) > 0 {
			return uint64(len(visited)), transitions, depth + 1, broken
		}
		if level = next; len(level) == 0 {
			return uint64(len(visited)), transitions, depth, broken
		}
	}
}

// sameAsReference holds a check against the reference.
func sameAsReference(t failer, s protocol.Subject) {
	t.Helper()
	// The reference knows no symmetry of mutators.
	got, err := Check(s, Options{NoSymmetry: true})
	if err != nil {
		t.Fatalf("%v", err)
	}
	ref := newReference(s)
	states, transitions, depth, broken := ref.explore()
	if got.States != states || got.Transitions != transitions || got.Depth != depth {
		t.Fatalf("%s %+v\n%v%v%s: %d states, %d transitions, depth %d; the reference %d, %d, %d %v",
			nameOf(s), s.Shape, s.Protocol, s.Method, got.Property,
			got.States, got.Transitions, got.Depth, states, transitions, depth, broken)
	}
	violated := got.Verdict == protocol.Violated
	if violated != (len(broken) > 0) || violated && !broken[got.Property] {
		t.Fatalf("%s: %s %s; the reference %v", nameOf(s), got.Verdict, got.Property, broken)
	}
}

// few is all of a list, and the first n in the short form of a test.
func few[T any](n int, list []T) []T {
	if testing.Short() {
		return list[:min(n, len(list))]
	}
	return list
}

func TestReference(t *testing.T) {
	for _, shape := range few(1, []protocol.Shape{
		{Sites: 1, Programs: 2, Keys: 1},
		{Sites: 2, Programs: 2, Keys: 1},
		{Sites: 3, Programs: 1, Keys: 2},
		{Sites: 1, Programs: 1, Keys: 1, Same: true},
		{Sites: 1, Programs: 2, Keys: 2, Same: true, Indirect: true},
	}) {
		for _, s := range append(everySubject(t), corners(t)...) {
			s.Shape = shape
			sameAsReference(t, s)
		}
	}
}

// corners lists subjects that go where the built-in ones and the zoo do not.
func corners(t *testing.T) []protocol.Subject {
	old, err := protocol.ParseMethod(
		"method old\n trap=old; head=int3; sync; tail; sync; head=new; sync")
	if err != nil {
		t.Fatal(err)
	}
	s := protocol.DefaultSubject()
	s.Method = old
	out := []protocol.Subject{s}
	for _, text := range []string{
		// Frees at once what it has just retired: the readers marked for it must be let go.
		`protocol retire-free
  install publish; each { target=jump; bypass=nop }
  update  publish; each { target=jump }; retire
  remove  publish; each { bypass=jump; wait; target=nop }; retire; free`,
		// Frees a program that the map goes on naming, after sites that are never opened.
		`protocol unseen
  install publish
  update  retire
  remove  publish`,
	} {
		p, err := protocol.ParseProtocol(text)
		if err != nil {
			t.Fatal(err)
		}
		s := protocol.DefaultSubject()
		s.Protocol = p
		out = append(out, s)
	}
	return append(out, manyReaders(t)...)
}

func TestReferenceOfAnyProtocol(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { sameAsReference(t, drawAny(t)) })
}
