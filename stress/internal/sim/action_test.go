package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"tailpoke/patcher/protocol"
	"tailpoke/patcher/protocol/witness"
	"tailpoke/stress/internal/sim/x86"
)

// byHand are executions that are written by hand: the choices, and what the last one breaks. Text 0
// is the entry, 1 is p0, 2 is p1.
var byHand = []struct {
	name     string
	set      func(t *testing.T, c *Config)
	choices  string
	breaks   protocol.Property
	frees    map[int][]int // by step
	bytesEnd string        // the bytes that the last step executes
}{
	{
		name: "operations",
		set: func(t *testing.T, c *Config) {
			c.Subject.Method, c.Script = method(t, "all; sync"), script(t, "put 0 0\nput 0 1\ndelete 0")
			c.Subject.Protocol = ownProtocol(t, kernelInstall, "each { bypass=nop; wait if changed; target=jump }; free", "each { bypass=jump; wait; target=nop }; retire")
		},
		choices: `
			{"actor": "mutator", "do": "publish", "call": "put 0 0", "program": 1}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p1", "step": "all"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p1", "step": "sync"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "nop", "step": "all"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "nop", "step": "sync"}
			{"actor": "mutator", "do": "publish", "call": "put 0 1", "program": 2}
			{"actor": "mutator", "do": "no-poke", "site": 0, "slot": "bypass", "to": "nop"}
			{"actor": "mutator", "do": "no-wait"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p2", "step": "all"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p2", "step": "sync"}
			{"actor": "mutator", "do": "free", "program": 1}
			{"actor": "mutator", "do": "publish", "call": "delete 0"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "jump-out", "step": "all"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "jump-out", "step": "sync"}
			{"actor": "mutator", "do": "wait"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "nop", "step": "all"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "nop", "step": "sync"}
			{"actor": "mutator", "do": "retire", "program": 2}`,
		frees: map[int][]int{10: {1}, 17: {2}},
	},
	{
		name: "a program that has a site, and is freed",
		set: func(t *testing.T, c *Config) {
			c.Subject.Method = method(t, "all")
			c.Subject.Protocol = ownProtocol(t, kernelInstall, "retire", "retire; each { bypass=jump }")
			c.Programs[0] = parse(t, "p0", append(tailCall(0)[1:], leafEnd...)...)
			c.Held, c.Script = []int{0}, script(t, "delete 0")
		},
		choices: `
			{"actor": "mutator", "do": "publish", "call": "delete 0"}
			{"actor": "mutator", "do": "retire", "program": 1}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "jump-out", "step": "all"}
			{"actor": "mutator", "do": "poke-gone", "site": 1, "slot": "bypass", "to": "jump-out"}`,
		frees: map[int][]int{1: {1}},
	},
	{
		name: "an update of no actions",
		set: func(t *testing.T, c *Config) {
			c.Held, c.Script = []int{0}, script(t, "put 0 1")
			c.Subject.Protocol.Ops[protocol.Update] = nil
		},
		choices: `{"actor": "mutator", "do": "nothing", "call": "put 0 1"}`,
	},
	{
		name: "a poke that finds something else",
		set: func(t *testing.T, c *Config) {
			c.Subject.Method, c.Held, c.Script = method(t, "all; head=int3"), []int{0}, script(t, "put 0 1\nput 0 0")
		},
		choices: `
			{"actor": "mutator", "do": "publish", "call": "put 0 1", "program": 3}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p3", "step": "all"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p3", "step": "head=int3"}
			{"actor": "mutator", "do": "retire", "program": 1}
			{"actor": "mutator", "do": "publish", "call": "put 0 0", "program": 2}
			{"actor": "mutator", "do": "mismatch", "site": 0, "slot": "target", "to": "jump-p2", "text": "int3-p3"}`,
		breaks: protocol.ExpectedBytes, frees: map[int][]int{3: {1}},
	},
	{
		name: "a thread that traps",
		set: func(t *testing.T, c *Config) {
			c.Subject.Method, c.Held, c.Script = method(t, "head=int3; all"), []int{0}, script(t, "put 0 1")
			c.Subject.Protocol = ownProtocol(t, kernelInstall, "each { target=jump }; free", "retire")
		},
		choices: `
			{"actor": "thread 0", "do": "enter"}
			{"actor": "thread 0", "do": "fetch", "site": 0, "slot": "bypass", "text": "nop"}
			{"actor": "mutator", "do": "publish", "call": "put 0 1", "program": 2}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p2", "step": "head=int3"}
			{"actor": "thread 0", "do": "trap", "site": 0, "slot": "target"}
			{"actor": "thread 0", "do": "handle", "site": 0, "slot": "target", "text": "jump-p2"}
			{"actor": "thread 0", "do": "execute", "program": 2}
			{"actor": "thread 0", "do": "enter"}
			{"actor": "thread 0", "do": "fetch", "site": 0, "slot": "bypass", "text": "nop"}
			{"actor": "thread 0", "do": "trap", "site": 0, "slot": "target"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p2", "step": "all"}
			{"actor": "thread 0", "do": "late", "site": 0, "slot": "target"}
			{"actor": "thread 0", "do": "fetch", "site": 0, "slot": "target", "text": "jump-p1"}
			{"actor": "mutator", "do": "free", "program": 1}
			{"actor": "thread 0", "do": "gone", "program": 1}`,
		breaks: protocol.NoUseAfterFree, frees: map[int][]int{13: {1}},
	},
	{
		name: "a handler that runs the byte again, and one that has no answer",
		set: func(t *testing.T, c *Config) {
			c.Subject.Method, c.Held, c.Script = method(t, "trap=retry; all; head=int3; sync"), []int{0}, script(t, "put 0 1")
		},
		choices: `
			{"actor": "thread 0", "do": "enter"}
			{"actor": "thread 0", "do": "fetch", "site": 0, "slot": "bypass", "text": "nop"}
			{"actor": "mutator", "do": "publish", "call": "put 0 1", "program": 2}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p2", "step": "all"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p2", "step": "head=int3"}
			{"actor": "thread 0", "do": "trap", "site": 0, "slot": "target"}
			{"actor": "thread 0", "do": "retry", "site": 0, "slot": "target"}
			{"actor": "thread 0", "do": "trap", "site": 0, "slot": "target"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p2", "step": "sync"}
			{"actor": "thread 0", "do": "lost", "site": 0, "slot": "target"}`,
		breaks: protocol.NoTorn, bytesEnd: "\xcc",
	},
	{
		name: "torn bytes",
		set: func(t *testing.T, c *Config) {
			c.Subject.Method, c.Script = method(t, "head=new; tail"), script(t, "put 0 0")
			c.Subject.Protocol = ownProtocol(t, "each { bypass=nop; target=jump }", "retire", "retire")
			c.Properties = []protocol.Property{protocol.NoTorn}
		},
		choices: `
			{"actor": "mutator", "do": "publish", "call": "put 0 0", "program": 1}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "nop", "step": "head=new"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "bypass", "to": "nop", "step": "tail"}
			{"actor": "mutator", "do": "store", "site": 0, "slot": "target", "to": "jump-p1", "step": "head=new"}
			{"actor": "thread 0", "do": "enter"}
			{"actor": "thread 0", "do": "fetch", "site": 0, "slot": "bypass", "text": "nop"}
			{"actor": "thread 0", "do": "torn", "site": 0, "slot": "target"}`,
		breaks: protocol.NoTorn, bytesEnd: "\xe9\x1f\x44\x00\x00",
	},
	{
		name: "a map that is read",
		set: func(t *testing.T, c *Config) {
			c.Entry, c.Held, c.Script, c.Ctx = indirect(t), []int{0}, script(t, "delete 0"), make([]byte, 8)
			c.Outcomes = []uint64{1}
		},
		choices: `
			{"actor": "thread 0", "do": "enter"}
			{"actor": "thread 0", "do": "read", "key": 0, "program": 1}
			{"actor": "thread 0", "do": "execute", "program": 1}
			{"actor": "mutator", "do": "publish", "call": "delete 0"}
			{"actor": "thread 0", "do": "enter"}
			{"actor": "thread 0", "do": "read", "key": 0}`,
		breaks: protocol.Registers,
	},
	{
		name: "a key of the map that does not change",
		set: func(t *testing.T, c *Config) {
			c.Entry, c.Held, c.Script, c.Ctx = indirect(t), []int{0}, script(t, "delete 0"), []byte{1, 0, 0, 0, 0, 0, 0, 0}
			c.Maps, c.Outcomes = map[string]int{table: 2}, []uint64{7}
		},
		choices: `
			{"actor": "thread 0", "do": "enter"}
			{"actor": "thread 0", "do": "read"}
			{"actor": "thread 0", "do": "enter"}
			{"actor": "mutator", "do": "publish", "call": "delete 0"}
			{"actor": "thread 0", "do": "read"}`,
	},
}

// method parses the steps of a poke method.
func method(t *testing.T, steps string) protocol.Method {
	t.Helper()
	m, err := protocol.ParseMethod("method m\n  " + steps)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const kernelInstall = "each { target=jump; bypass=nop }"

// ownProtocol has these steps after the publish.
func ownProtocol(t *testing.T, install, update, remove string) protocol.Protocol {
	t.Helper()
	p, err := protocol.ParseProtocol("protocol own\n install publish; " + install + "\n update publish; " + update + "\n remove publish; " + remove)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestActionsByHand takes executions that are written by hand. Every kind of action must be among
// them that the engine has.
func TestActionsByHand(t *testing.T) {
	seen := map[witness.Do]bool{witness.Leave: true} // see TestSingleStepsLeave
	for _, tt := range byHand {
		t.Run(tt.name, func(t *testing.T) {
			c := direct(t, 1, 1, 2)
			tt.set(t, &c)
			var choices []witness.Choice
			for d := json.NewDecoder(strings.NewReader(tt.choices)); d.More(); {
				var x witness.Choice
				if err := d.Decode(&x); err != nil {
					t.Fatal(err)
				}
				choices = append(choices, x)
				seen[x.Action.Do] = true
			}
			s, err := newSystem(prepared(c))
			if err != nil {
				t.Fatal(err)
			}
			w, err := s.replay(choices)
			if tt.breaks == "" && errors.Is(err, ErrHolds) {
				err = nil
			}
			if err != nil || w.Property != tt.breaks {
				t.Fatalf("breaks %q, want %q: %v\n%v", w.Property, tt.breaks, err, w)
			}
			for i, step := range w.Steps {
				if !slices.Equal(step.Frees, tt.frees[i]) {
					t.Errorf("step %d frees %v, want %v", i, step.Frees, tt.frees[i])
				}
			}
			last := w.Steps[len(w.Steps)-1].Code
			if tt.bytesEnd != "" && !bytes.Equal(last.Bytes, []byte(tt.bytesEnd)) {
				t.Errorf("the last step executes % x", last.Bytes)
			}
		})
	}
	for _, do := range []witness.Do{
		witness.Nothing, witness.Publish, witness.Store, witness.NoPoke, witness.Mismatch, witness.PokeGone,
		witness.Wait, witness.NoWait, witness.Retire, witness.Free, witness.Enter, witness.Fetch, witness.Trap,
		witness.Torn, witness.Handle, witness.Retry, witness.Late, witness.Lost, witness.Read, witness.Execute,
		witness.Gone, witness.Leave,
	} {
		if !seen[do] {
			t.Errorf("no execution has %v", do)
		}
	}
}

func prepared(c Config) *Config {
	c = c.withDefaults()
	return &c
}

// TestSingleStepsLeave: where every instruction is a step, so is the return.
func TestSingleStepsLeave(t *testing.T) {
	c := direct(t, 1, 1, 1)
	c.NoMerge = true
	h := newHand(t, c)
	var did []witness.Do
	var last witness.Step
	for len(did) == 0 || h.x[h.s.wordOf(0)] != h.s.idle {
		var m move
		y, err := h.g.step(h.x, func(n move, _ state, _ *fault) bool { m = n; return n.actor == 0 })
		if err != nil {
			t.Fatal(err)
		}
		if last, err = h.g.describe(h.x, y, m); err != nil {
			t.Fatal(err)
		}
		did = append(did, last.Action.Do)
		h.x = y
	}
	for i, do := range did {
		want := witness.Execute
		switch {
		case i == 0:
			want = witness.Enter
		case i == len(did)-1:
			want = witness.Leave
		case do == witness.Fetch: // its site
			want = witness.Fetch
		}
		if do != want {
			t.Errorf("step %d is %v, want %v", i, do, want)
		}
	}
	if p := last.Code.At; p.Place != witness.Outside || p.Addr != returnAt || last.Code.Returns == nil || *last.Code.Returns != 100 {
		t.Errorf("it leaves from %+v: %+v", p, last.Code)
	}
}

// TestMemoryOfWitnesses holds what a witness says of memory against a thread that enters.
func TestMemoryOfWitnesses(t *testing.T) {
	s := newTestSystem(t)
	m, x := s.memory(), newThread(s)
	x.enter(s)
	at := x.Regs[x86.RSP]
	word := func() uint64 {
		at += 8
		return x86.Word(x.Mem.Stack.Within(at-8, 8))
	}
	if m.Entry != x.Regs || !m.Stack.Has(at) || m.Context.At != x.Regs[x86.RDI] || m.Context.Size != uint64(len(testCtx)) {
		t.Errorf("%+v, entered with %x", m, x.Regs)
	}
	if got := word(); got != m.Return {
		t.Errorf("returns to %#x, the witness says %#x", got, m.Return)
	}
	for i, want := range m.Caller {
		if got := word(); got != want {
			t.Errorf("word %d of the caller is %#x, the witness says %#x", i, got, want)
		}
	}
	if at != m.Stack.At+m.Stack.Size {
		t.Errorf("the caller's words end at %#x", at)
	}
	for _, r := range s.data.structs {
		if !m.Data.Has(r.At) || !m.Data.Has(r.At+uint64(len(r.Bytes))-1) {
			t.Errorf("a struct at %#x is not in %+v", r.At, m.Data)
		}
	}
	for n, p := range m.Programs {
		if code := s.texts[n].img.Code; s.textAt(p.At) != n || p.Size != uint64(len(code)) {
			t.Errorf("program %d is at %+v", n, p)
		}
	}
}
