package model

import (
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
	return &s[map[byte]int{'n': 0, 'j': 1, '3': 2}[b.head]][1+b.tail]
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
	wait    bool
	retire  [refMax]bool
	must    [refMax]bool
	fresh   [refMax][refMax]bool
}

func (t refThread) fetches() bool { return t.place == "bypass" || t.place == "target" }

type refState struct {
	busy                bool
	op                  protocol.OpKind
	key                 int
	given, old          refInstr // 0 none
	action, micro, last int
	waiting             bool
	ptr                 [refMax]refInstr
	status              [refMax]string // "", held, retiring, freed
	slot                [refMax][2]refSlot
	thread              refThread
}

type reference struct {
	protocol.Subject
	next func(refState, protocol.Property)
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
		for j, instr := range []refInstr{1, 0} {
			s.slot[i][j] = refSlot{mem: refWhole(instr), expect: instr}
			*s.slot[i][j].seen.bit(refWhole(instr)) = true
		}
	}
	return s
}

func (r *reference) actions(s refState) []protocol.Action {
	n := 0
	for i := range r.Shape.Sites {
		if i%r.Shape.Keys == s.key {
			n++
		}
	}
	return r.Protocol.Unroll(s.op, n)
}

func (r *reference) step(s refState) {
	for p := range r.Shape.Programs {
		if s.status[p] == "retiring" && !s.thread.retire[p] {
			n := s
			n.status[p] = "freed"
			r.next(n, "")
		}
	}
	if !s.busy {
		r.call(s)
	} else if acts := r.actions(s); s.action == len(acts) {
		r.back(s)
	} else {
		r.act(s, acts[s.action])
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

func (r *reference) call(s refState) {
	for k := range r.Shape.Keys {
		for p := -1; p < r.Shape.Programs; p++ {
			n := s
			n.busy, n.key, n.old = true, k, s.ptr[k]
			switch {
			case p < 0 && s.ptr[k] == 0:
				continue
			case p < 0:
				n.op = protocol.Remove
				n.thread.must[k] = false
			case s.pointed(p) || s.status[p] == "retiring" || s.status[p] == "held":
				continue
			default:
				n.op = protocol.Update
				if s.ptr[k] == 0 {
					n.op = protocol.Install
				}
				n.given, n.status[p] = refInstr(1+p), "held"
				n.thread.fresh[k][p] = s.thread.fetches()
			}
			r.next(n, "")
		}
	}
}

func (r *reference) back(s refState) {
	for _, p := range []int{int(s.given) - 1, int(s.old) - 1} {
		if p >= 0 && s.status[p] == "held" && !s.pointed(p) {
			s.status[p] = ""
		}
	}
	s.busy, s.op, s.key, s.given, s.old, s.action, s.last = false, 0, 0, 0, 0, 0, 0
	r.next(s, "")
}

// advance forgets which poke was the last when no guarded wait follows that could ask.
func (r *reference) advance(s refState) refState {
	ask := false
	for _, a := range r.actions(s)[s.action+1:] {
		ask = ask || a.Guarded
	}
	if !ask {
		s.last = 0
	}
	s.action++
	return s
}

func (r *reference) act(s refState, a protocol.Action) {
	switch a.Kind {
	case protocol.Publish:
		s.ptr[s.key] = s.given
		r.next(r.advance(s), "")
	case protocol.Free:
		s.status[s.old-1], s.thread.retire[s.old-1] = "freed", false
		r.next(r.advance(s), "")
	case protocol.Retire:
		n := r.advance(s)
		if s.status[s.old-1] == "held" {
			n.status[s.old-1] = "retiring"
			r.mark(n, func(t *refThread) *bool { return &t.retire[s.old-1] })
			return
		}
		r.next(n, "")
	case protocol.Wait:
		switch {
		case s.waiting && s.thread.wait:
		case s.waiting:
			s.waiting = false
			r.next(r.advance(s), "")
		case a.Guarded && s.last-1 < a.Since:
			r.next(r.advance(s), "")
		default:
			s.waiting = true
			r.mark(s, func(t *refThread) *bool { return &t.wait })
		}
	case protocol.Poke:
		r.poke(s, a)
	}
}

// mark begins a grace period, by the rule of its flavour.
func (r *reference) mark(s refState, bit func(*refThread) *bool) {
	reader := s.thread.place != ""
	if !reader || r.Grace.Kind == protocol.GraceSleep {
		r.next(s, "")
		return
	}
	if r.Grace.Kind == protocol.GraceForget {
		r.next(s, "")
	}
	*bit(&s.thread) = true
	r.next(s, "")
}

func (r *reference) micros() []string {
	var out []string
	for _, m := range r.Method.Steps {
		if m == protocol.Bytes {
			out = append(out, "head=new", "tail")
		} else {
			out = append(out, m.String())
		}
	}
	return out
}

func (s refState) want(a protocol.Action) refInstr {
	switch {
	case a.To == protocol.Nop:
		return 0
	case a.Slot == protocol.Bypass:
		return 1
	default:
		return s.given
	}
}

func (r *reference) site(s refState, a protocol.Action) int { return s.key + a.Desc*r.Shape.Keys }

func (r *reference) poke(s refState, a protocol.Action) {
	slot := &s.slot[r.site(s, a)][a.Slot]
	want := s.want(a)
	if s.micro == 0 && slot.mem != refWhole(slot.expect) {
		r.next(s, protocol.ExpectedBytes)
		return
	}
	if s.micro == 0 && slot.expect == want {
		r.next(r.advance(s), "")
		return
	}
	before := slot.seen
	switch r.micros()[s.micro] {
	case "head=int3":
		before.each(func(b refBytes) { *slot.seen.bit(refBytes{'3', b.tail}) = true })
		slot.mem.head = '3'
	case "head=new":
		h := refWhole(want).head
		before.each(func(b refBytes) { *slot.seen.bit(refBytes{h, b.tail}) = true })
		slot.mem.head = h
	case "tail":
		if slot.mem.tail != want {
			before.each(func(b refBytes) {
				*slot.seen.bit(refBytes{b.head, want}) = true
				*slot.seen.bit(refBytes{b.head, -1}) = true
			})
		}
		slot.mem.tail = want
	case "all":
		slot.mem = refWhole(want)
		*slot.seen.bit(slot.mem) = true
	case "sync":
		for i := range r.Shape.Sites {
			for j := range s.slot[i] {
				s.slot[i][j].seen = refSeen{}
				*s.slot[i][j].seen.bit(s.slot[i][j].mem) = true
			}
		}
	}
	if s.micro++; s.micro == len(r.micros()) {
		slot.expect = want
		s.micro, s.last = 0, s.action+1
		s = r.advance(s)
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
	got, err := Check(s, Options{})
	if err != nil {
		t.Fatalf("%v", err)
	}
	ref := reference{Subject: s}
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

func TestReference(t *testing.T) {
	for _, shape := range []protocol.Shape{
		{Sites: 1, Programs: 2, Keys: 1},
		{Sites: 2, Programs: 2, Keys: 1},
		{Sites: 3, Programs: 1, Keys: 2},
	} {
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
		// Frees a program that the map goes on naming, behind sites that are never opened.
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
	return out
}

func TestReferenceOfAnyProtocol(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { sameAsReference(t, drawSubject(t)) })
}
