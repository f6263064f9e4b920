package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"tailpoke/jit"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/layouttest"
)

func TestKernelProtocolIsExhausted(t *testing.T) {
	c := direct(t, 2, 2, 2)
	c.Script = script(t, whole)
	r := check(t, c)
	if r.Verdict != protocol.Safe || r.Bound != "2 threads, a script of 4 calls" {
		t.Errorf("%+v", r)
	}
	want := Counts{
		Transitions: 15490, Skips: 1143, Tails: 1976, Traps: 705, Answers: 705, Late: 1567, Overlaps: 9791, Ends: 153,
	}
	if r.Counts != want || r.States != 5507 || r.Depth != 101 || r.Locals != 15 {
		t.Errorf("%+v, want %+v", r, want)
	}
}

// sees is what the engine must find of the mutants whose property is not its business: it
// knows nothing of misses, and of stale programs only that they have been freed.
var sees = map[string]protocol.Property{
	"update-through-c": "",
	"forgotten-close":  protocol.NoUseAfterFree,
}

func TestZoo(t *testing.T) {
	for _, m := range protocol.Zoo() {
		want, special := sees[m.Name]
		if !special {
			want = m.Property
		}
		layouts, most := jit.Layouts(), 2
		if testing.Short() {
			layouts, most = layouts[:1], 1
		}
		for _, l := range layouts {
			for sites := 1; sites <= most; sites++ {
				t.Run(fmt.Sprintf("%s/%s/%d", m.Name, l.Name, sites), func(t *testing.T) {
					c := direct(t, 2, sites, 2)
					c.Layout = l
					c.Script = script(t, whole)
					var err error
					if c.Subject, err = m.Apply(c.Subject); err != nil {
						t.Fatal(err)
					}
					r := check(t, c)
					expect(t, r, want)
				})
			}
		}
	}
}

// expect holds a result against the property that must be broken; "" for none.
func expect(t *testing.T, r *Result, want protocol.Property) {
	t.Helper()
	verdict := protocol.Safe
	if want != "" {
		verdict = protocol.Violated
	}
	if r.Verdict != verdict || r.Property != want {
		t.Errorf("%v %v (%s), want %v %v\n%v", r.Verdict, r.Property, r.Reason, verdict, want, r.Witness)
	}
}

// TestReductionsChangeNoVerdict holds the answers with and without each reduction against each
// other, for every mutant.
func TestReductionsChangeNoVerdict(t *testing.T) {
	zoo := append(protocol.Zoo(), protocol.Mutant{Name: "kernel"})
	if testing.Short() {
		zoo = zoo[:2]
	}
	for _, m := range zoo {
		t.Run(m.Name, func(t *testing.T) {
			c := direct(t, 2, 1, 2)
			c.Script = script(t, whole)
			var err error
			if c.Subject, err = m.Apply(c.Subject); err != nil {
				t.Fatal(err)
			}
			want := check(t, c)
			for _, o := range []struct {
				name string
				set  func(c *Config)
			}{
				{"single steps", func(c *Config) { c.NoMerge = true }},
				{"threads apart", func(c *Config) { c.NoSymmetry = true }},
				{"neither", func(c *Config) { c.NoMerge, c.NoSymmetry = true, true }},
				{"forward fetches", func(c *Config) { c.Forward = true }},
				{"one thread", func(c *Config) { c.Subject.Shape.Threads = 1 }},
			} {
				d := c
				o.set(&d)
				switch {
				case o.name == "one thread" && m.Name == "forget-reader":
					continue // there the only reader is forgotten, which shows something else
				case o.name == "one thread" && c.kinds() > 1:
					continue // there is none of the other kind
				case o.name == "neither" && m.Name != "kernel" && m.Name != "no-grace":
					continue
				}
				got := check(t, d)
				if got.Verdict != want.Verdict || got.Property != want.Property {
					t.Errorf("%s: %v %v, without: %v %v", o.name, got.Verdict, got.Property, want.Verdict, want.Property)
				}
				if o.name == "threads apart" && c.kinds() == 1 && got.Verdict == protocol.Safe && got.States <= want.States {
					t.Errorf("%d states with threads apart, %d without", got.States, want.States)
				}
				if o.name == "threads apart" && want.Witness != nil && len(got.Witness.Steps) != len(want.Witness.Steps) {
					t.Errorf("%s: %d steps, without %d", o.name, len(got.Witness.Steps), len(want.Witness.Steps))
				}
			}
		})
	}
}

func TestResultsDoNotDependOnWorkers(t *testing.T) {
	counts := []int{1, 2, 5, 2, 5}
	if testing.Short() {
		counts = counts[:3]
	}
	for _, name := range []string{"no-grace", "int3-nosync", "lazy-remove"} {
		m, err := protocol.MutantByName(name)
		if err != nil {
			t.Fatal(err)
		}
		var first *Result
		for _, workers := range counts {
			c := direct(t, 3, 1, 2)
			if name == "no-grace" { // with many violations on one level
				c = direct(t, 2, 2, 2)
				c.NoMerge = true
			}
			c.Script, c.Workers = script(t, whole), workers
			if c.Subject, err = m.Apply(c.Subject); err != nil {
				t.Fatal(err)
			}
			r := check(t, c)
			if first == nil {
				first = r
			}
			if diff := cmp.Diff(first, r); diff != "" {
				t.Errorf("%s, %d workers:\n%s", name, workers, diff)
			}
		}
	}
}

func TestEveryOperationAtAnyTime(t *testing.T) {
	c := direct(t, 2, 2, 2)
	c.Entry, c.Maps[table] = caller(t, 2, 2), 2
	c.Keys = append(c.Keys, protocol.Key{Map: table, Index: 1})
	r := check(t, c)
	expect(t, r, "")
	if r.Bound != "2 threads, any 3 operations" {
		t.Errorf("bound %q", r.Bound)
	}
	m, err := protocol.MutantByName("no-grace")
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject, err = m.Apply(c.Subject); err != nil {
		t.Fatal(err)
	}
	expect(t, check(t, c), protocol.NeverA)
}

// TestWordNeedsAlignedSlots stores whole instructions at once, into slots that one store
// covers, and into slots that it does not.
func TestWordNeedsAlignedSlots(t *testing.T) {
	word, err := protocol.MethodByName("word")
	if err != nil {
		t.Fatal(err)
	}
	for _, straddle := range []bool{false, true} {
		c := direct(t, 2, 1, 2)
		c.Subject.Method, c.Straddle, c.Script = word, straddle, script(t, whole)
		want := protocol.Property("")
		if straddle {
			want = protocol.NoTorn
		}
		r := check(t, c)
		expect(t, r, want)
		if w := r.Witness; w != nil {
			if last := w.Steps[len(w.Steps)-1]; !strings.Contains(w.Text, fmt.Sprintf("% x", last.Code.Bytes)) {
				t.Errorf("the text %q does not have the bytes % x", w.Text, last.Code.Bytes)
			}
		}
	}
	c := direct(t, 2, 1, 2)
	c.Subject.Method = word
	c.Entry = parse(t, "entry", append(append(tailCall(0)[1:], tailCall(0)[1:]...), leafEnd...)...)
	if r := check(t, c); r.Verdict != protocol.Unsupported || !strings.Contains(r.Reason, "no place of the image has all 4 slots") {
		t.Errorf("slots that no place aligns: %+v", r)
	}
	c.Subject.Method, c.Straddle, c.Outcomes = protocol.DefaultSubject().Method, true, nil
	expect(t, check(t, c), "")
}

// TestStateAInRegisters leaves state A to its consequences: the caller's registers are lost.
func TestStateAInRegisters(t *testing.T) {
	for _, l := range layouttest.All(t) {
		c := direct(t, 1, 1, 2)
		c.Layout, c.Script, c.Outcomes = l, script(t, whole), nil
		// With one register and no stack: what the epilogue pops is the caller's rbp, and leave
		// goes back beyond it.
		insns := append([]asm.Instruction{asm.Mov.Reg(asm.R6, asm.R1)}, tailCall(0)...)
		c.Entry = parse(t, "entry", append(insns, leafEnd...)...)
		m, err := protocol.MutantByName("remove-order")
		if err != nil {
			t.Fatal(err)
		}
		if c.Subject, err = m.Apply(c.Subject); err != nil {
			t.Fatal(err)
		}
		c.Properties = slices.DeleteFunc(Properties(), func(p protocol.Property) bool { return p == protocol.NeverA })
		r := check(t, c)
		expect(t, r, protocol.Registers)
		want := "returns with rbx = "
		if l.PopsCounter { // one word more: the return address
			want = "goes on at "
		}
		if !strings.HasPrefix(r.Witness.Text, want) {
			t.Errorf("%s: text %q, want %q", l.Name, r.Witness.Text, want)
		}
	}
}

// TestIndirectCallersActOnPublish frees a removed program when no direct caller can be inside:
// callers that read the map can, and are found.
func TestIndirectCallersActOnPublish(t *testing.T) {
	free, err := protocol.MutantByName("free-after-wait")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layouttest.All(t) {
		c := direct(t, 2, 1, 2)
		c.Layout, c.Script = l, script(t, whole)
		c.Entry, c.Ctx = indirect(t), make([]byte, 8)
		c.Outcomes = []uint64{7, 1, 2}
		r := check(t, c)
		expect(t, r, "")
		if r.Loads == 0 {
			t.Error("nothing was loaded from the map")
		}
		if c.Subject, err = free.Apply(c.Subject); err != nil {
			t.Fatal(err)
		}
		expect(t, check(t, c), protocol.NoUseAfterFree)
		c.Subject = protocol.DefaultSubject()
		c.Subject.Shape.Threads = 2
		c.Outcomes = []uint64{7, 1}
		expect(t, check(t, c), protocol.Registers)
	}
}

func TestWrongOutcomeIsFound(t *testing.T) {
	c := direct(t, 1, 1, 2)
	c.Script, c.Outcomes = script(t, whole), []uint64{100, 1}
	r := check(t, c)
	expect(t, r, protocol.Registers)
	if !strings.Contains(r.Witness.Text, "returns 0x2") {
		t.Errorf("text %q", r.Witness.Text)
	}
	c.Outcomes = nil
	expect(t, check(t, c), "")
}

// TestMethods judges what a person could have written. Each sync that the kernel's method has
// in front of a store is needed; the last one is not, for the next poke begins with int3 and a
// sync before anything depends on this one. A single store has no such successor.
func TestMethods(t *testing.T) {
	for text, want := range map[string]protocol.Property{
		"head=int3; sync; tail; sync; head=new; sync":           "",
		"trap=old; head=int3; sync; tail; sync; head=new; sync": "",
		"head=int3; tail; sync; head=new; sync":                 protocol.NoTorn,
		"head=int3; sync; tail; head=new; sync":                 protocol.NoTorn,
		"tail; sync; head=int3; sync; head=new; sync":           protocol.NoTorn,
		"head=int3; sync; tail; sync; head=new":                 "",
		"bytes; sync":                                           protocol.NoTorn,
		"all; sync":                                             "",
		"all":                                                   protocol.NeverA,
	} {
		c := direct(t, 2, 1, 2)
		c.Script = script(t, whole)
		var err error
		if c.Subject.Method, err = protocol.ParseMethod("method m\n  " + text); err != nil {
			t.Fatal(err)
		}
		t.Run(text, func(t *testing.T) { expect(t, check(t, c), want) })
	}
}

// TestMethodThatLeavesItsTrap ends with int3: no handler answers it, and the next poke finds it.
func TestMethodThatLeavesItsTrap(t *testing.T) {
	for p, want := range map[protocol.Property]string{
		protocol.NoTorn:        "met an int3 that no poke answers for",
		protocol.ExpectedBytes: "expected e9 ab 1f 00 00 at entry+0x5b, found cc ab 1f 00 00",
	} {
		c := direct(t, 1, 1, 2)
		c.Script, c.Properties = script(t, whole), []protocol.Property{p}
		var err error
		if c.Subject.Method, err = protocol.ParseMethod("method m\n  all; sync; head=int3; sync"); err != nil {
			t.Fatal(err)
		}
		r := check(t, c)
		expect(t, r, p)
		if r.Witness != nil && r.Witness.Text != want {
			t.Errorf("text %q, want %q", r.Witness.Text, want)
		}
	}
}

// TestGivenAnew: a key that is given the program that it holds has two references to it, and the
// update puts one. The pointer names the program all along.
func TestGivenAnew(t *testing.T) {
	c := direct(t, 1, 1, 1)
	c.Script = script(t, "put 0 0\nput 0 0\n")
	for update, want := range map[string]protocol.Property{
		"publish; each { target=jump }; retire":         "",
		"publish; each { target=jump }; free":           "",
		"publish; each { target=jump }":                 protocol.NoLeak,
		"publish; each { target=jump }; retire; retire": protocol.NoDoubleFree,
	} {
		e := protocol.Edit{Of: protocol.OfUpdate, Do: protocol.Rewrite, With: update}
		var err error
		if c.Subject, err = e.Apply(protocol.DefaultSubject()); err != nil {
			t.Fatal(err)
		}
		c.Subject.Shape.Threads = 1
		if r := check(t, c); r.Property != want {
			t.Errorf("%s: %s %s, want %q", update, r.Verdict, r.Property, want)
		}
	}
}

// TestUserProtocols has what no built-in protocol does.
func TestUserProtocols(t *testing.T) {
	const rest = "\n update publish; each { target=jump }; retire\n remove "
	for _, tc := range []struct {
		text string
		want protocol.Property
	}{
		{"install publish; each { target=jump; bypass=nop }" + rest + "publish; each { bypass=jump; wait; target=nop }; retire; retire", protocol.NoDoubleFree},
		{"install publish; each { target=jump; bypass=nop }" + rest + "publish; each { bypass=jump; wait; target=nop }", protocol.NoLeak},
		{"install publish; each { target=jump; bypass=nop }" + rest + "each { bypass=jump; wait; target=nop }; retire; publish", protocol.NoEarlyFree},
		{"install publish; each { target=jump; bypass=nop }" + rest + "each { bypass=jump; wait; target=nop }; retire", protocol.NoEarlyFree},
		{"install publish; each { target=jump; bypass=nop }" + rest + "publish; free; each { bypass=jump; wait; target=nop }; retire", protocol.NoUseAfterFree},
		{"install publish; each { target=jump; bypass=nop }" + rest + "publish; each { bypass=jump }; wait; wait; each { target=nop }; free", ""},
		{"install each { target=jump; bypass=nop }; publish" + rest + "each { bypass=jump; wait; target=nop }; publish; retire", ""},
		{"install publish; each { target=jump; bypass=nop; target=nop }" + rest + "publish; each { bypass=jump; wait; target=nop }; retire", protocol.NeverA},
	} {
		c := direct(t, 2, 1, 2)
		c.Script = script(t, "delete 0\n"+whole+"put 0 0\nput 0 1\ndelete 0\ndelete 0\n")
		var err error
		if c.Subject.Protocol, err = protocol.ParseProtocol("protocol own\n " + tc.text); err != nil {
			t.Fatal(err)
		}
		t.Run(tc.text, func(t *testing.T) { expect(t, check(t, c), tc.want) })
	}
}

// TestWaitIfChanged: a wait waits, and one "if changed" only if a poke before it, of its own
// descriptor inside each, has changed a byte. Each update here frees the old program at once, so that a wait too few is a
// use after free, and a wait too many hides one.
func TestWaitIfChanged(t *testing.T) {
	for update, want := range map[string]protocol.Property{
		"each { target=jump }; wait; free":                                 "",
		"each { target=jump; wait }; free":                                 "",
		"each { bypass=nop; target=jump; wait }; free":                     "",
		"each { target=jump; bypass=nop; wait }; free":                     "",
		"wait; each { target=jump }; free":                                 protocol.NoUseAfterFree,
		"each { target=jump }; wait if changed; free":                      "",
		"each { target=jump; wait if changed }; free":                      "",
		"each { target=jump; bypass=nop; wait if changed }; free":          "",
		"each { target=jump }; each { bypass=nop; wait }; free":            "",
		"each { target=jump }; each { bypass=nop; wait if changed }; free": protocol.NoUseAfterFree,
		"each { target=jump }; each { bypass=nop }; wait if changed; free": "",
		"each { target=jump }; each { wait if changed; bypass=nop }; free": protocol.NoUseAfterFree,
		"wait if changed; each { target=jump }; free":                      protocol.NoUseAfterFree,
	} {
		t.Run(update, func(t *testing.T) {
			c := direct(t, 1, 1, 2)
			c.Script = script(t, "put 0 0\nput 0 1\n")
			var err error
			c.Subject.Protocol, err = protocol.ParseProtocol("protocol own\n install publish; each { target=jump; bypass=nop }\n" +
				" update publish; " + update + "\n remove publish; each { bypass=jump; wait; target=nop }; retire\n")
			if err != nil {
				t.Fatal(err)
			}
			expect(t, check(t, c), want)
		})
	}
}

func TestBounds(t *testing.T) {
	c := direct(t, 3, 2, 2)
	c.Script, c.MaxStates = script(t, whole), 1000
	if r := check(t, c); r.Verdict != protocol.Bounded || r.States <= 1000 {
		t.Errorf("%+v", r)
	}
	c.MaxStates = 0
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := Check(ctx, c)
	if err != nil || r.Verdict != protocol.Bounded || !strings.Contains(r.Reason, "canceled") {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestVacuous(t *testing.T) {
	c := direct(t, 1, 1, 1)
	c.Script = protocol.Script{}
	if r := check(t, c); r.Verdict != protocol.Vacuous {
		t.Errorf("nothing is ever installed: %+v", r)
	}
	c.Held = []int{0}
	expect(t, check(t, c), "")
}

func TestRefusesWhatItCannotJudge(t *testing.T) {
	for _, tc := range []struct {
		name string
		set  func(c *Config)
		want string
	}{
		{"no threads", func(c *Config) { c.Subject.Shape.Threads = 0 }, "0 threads: want 1 to 8"},
		{"no program", func(c *Config) { c.Programs = nil }, "needs a layout, an entry, programs and keys"},
		{"key outside", func(c *Config) { c.Keys[0].Index = 1 }, "key 1 of jmp_table: it has 1 keys"},
		{"loads", func(c *Config) { c.Script = script(t, "load") }, "call 1 of the script: nothing is loaded"},
		{"program outside", func(c *Config) { c.Script = script(t, "put 0 2") }, "there are 1 keys and 2 programs"},
		{"bytes beyond a slot", func(c *Config) { c.Subject.Method.Steps = []protocol.MicroStep{{Off: 2, Len: 4}} }, "[2:6]=new writes beyond a bypass of 5 bytes"},
		{"holds nothing known", func(c *Config) { c.Held = []int{2} }, "key 0 holds program 2"},
	} {
		c := direct(t, 1, 1, 2)
		tc.set(&c)
		if _, err := Check(t.Context(), c); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestEndlessLoop(t *testing.T) {
	c := direct(t, 1, 1, 1)
	c.Entry = parse(t, "entry", append([]asm.Instruction{asm.Ja.Label("entry").WithSource(srcLine(7))}, leafEnd...)...)
	if r := check(t, c); r.Verdict != protocol.Bounded || !strings.Contains(r.Reason, "loops for ever at entry+0x") || !strings.Contains(r.Reason, " (main.c:7)") {
		t.Errorf("%+v", r)
	}
}

// TestAWaitEndsWhenItsThreadsHaveLeft goes one execution by hand.
func TestAWaitEndsWhenItsThreadsHaveLeft(t *testing.T) {
	c := direct(t, 2, 1, 1)
	c.Held, c.Script = []int{0}, script(t, "delete 0\n")
	h := newHand(t, c)
	h.must(1, "")                                 // enters
	h.must(byMutator, "", "", "", "", "", "", "") // publishes, closes the bypass
	h.must(0, "")                                 // enters
	h.must(byMutator, "")                         // begins to wait
	if h.can(byMutator, "") {
		t.Error("the wait does not wait")
	}
	h.must(0, "jump-out") // returns
	if h.can(byMutator, "") {
		t.Error("the wait has not waited for thread 1")
	}
	h.must(0, "") // enters again, which is not waited for
	h.must(1, "jump-out")
	h.must(byMutator, "", "", "", "", "", "", "") // clears the target, retires the program
	if m := mutatorOf(h.x[mutatorWord]); m.op != none || m.call != 1 {
		t.Errorf("the operation is not over: %+v", m)
	}
}
