//go:build linux && amd64

package patcher

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"
	"go.uber.org/goleak"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
	"tailpoke/patcher/rcu"
	"tailpoke/patcher/text"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testMap  = "jmp_table"
	testKeys = 4
)

// A rig is a patcher with all that it needs. Its threads do not run before start.
type rig struct {
	layout *jit.Layout
	arena  *exec.Arena
	pool   *exec.Pool
	domain *rcu.Domain
	p      *Patcher
	a      *ProgArray
	events []protocol.Event // written under the poke mutex
	closed bool
}

// setting is what tests vary of a rig; the zero value is the default subject.
type setting struct {
	protocol *protocol.Protocol
	method   *protocol.Method
	grace    *protocol.Grace
	layout   *jit.Layout
	threads  int
	arena    int  // bytes
	boost    bool // the caller is elevated
	silent   bool // events are not kept
}

func newRig(t testing.TB, s setting) *rig {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	sub := protocol.DefaultSubject()
	r := &rig{layout: &jit.V510}
	cfg := Config{Protocol: sub.Protocol, Method: sub.Method, Seed: 1}
	if s.protocol != nil {
		cfg.Protocol = *s.protocol
	}
	if s.method != nil {
		cfg.Method = *s.method
	}
	if s.layout != nil {
		r.layout = s.layout
	}
	cfg.Nop = r.layout.Nop()
	cfg.Offsets = Offsets{MaxEntries: r.layout.ArrayMaxEntries, Ptrs: r.layout.ArrayPtrs, Func: r.layout.ProgFunc}
	if s.grace != nil {
		sub.Grace = *s.grace
	}
	if s.arena == 0 {
		s.arena = 1 << 20
	}
	if !s.silent {
		cfg.Observe = func(ev protocol.Event) { r.events = append(r.events, ev) }
	}
	t.Cleanup(func() { r.close(t) })
	var err error
	if r.arena, err = exec.NewArena(s.arena); err != nil {
		t.Fatal(err)
	}
	pc := exec.PoolConfig{Threads: max(1, s.threads), Ctx: testCtx(), Outcomes: testOutcomes()}
	if !s.boost {
		pc.YieldEvery = 100
	}
	if r.pool, err = exec.NewPool(pc); err != nil {
		t.Fatal(err)
	}
	r.domain = rcu.New(r.pool, sub.Grace, s.boost)
	cfg.Arena, cfg.Domain = r.arena, r.domain
	if p := cfg.Protocol; p.Readers != nil {
		cfg.Periods = map[protocol.Period]*rcu.Domain{}
		for g := range protocol.Period(protocol.Periods) {
			cfg.Periods[g] = rcu.NewOf(r.pool, sub.Grace, s.boost, func(i int) bool { return p.Awaits(g, i%p.Kinds()) })
		}
	}
	if r.p, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	if r.a, err = r.p.NewArray(testMap, testKeys); err != nil {
		t.Fatal(err)
	}
	return r
}

// close may be called early; the end of the test does it else.
func (r *rig) close(t testing.TB) {
	t.Helper()
	if r.closed {
		return
	}
	r.closed = true
	var errs []error
	if r.pool != nil {
		errs = append(errs, r.pool.Close())
	}
	if r.p != nil {
		errs = append(errs, r.p.Close())
	}
	if r.arena != nil {
		errs = append(errs, r.arena.Close())
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func (r *rig) start(t testing.TB, entry *Program) {
	t.Helper()
	r.pool.SetEntries([]uint64{r.p.Addr(entry)})
	if err := r.pool.Start(); err != nil {
		t.Fatal(err)
	}
}

// stop stops the threads and wants that none of them met with anything strange.
func (r *rig) stop(t testing.TB) exec.Counters {
	t.Helper()
	r.pool.Stop()
	c := r.pool.Counters()
	if c.Anomalies != 0 {
		an := r.pool.Anomalies()[0]
		off, inside := r.arena.OffOf(an.RIP)
		t.Errorf("%d anomalies of %d executions: %+v, at %#x of the arena (%v)", c.Anomalies, c.Executions, an, off, inside)
	}
	return c
}

// The context holds five words, none of which is a sum of others: a caller that falls
// through adds all of them up, program i returns the first and 1+i.
func testCtx() []byte {
	var ctx []byte
	for i := range 5 {
		ctx = binary.LittleEndian.AppendUint64(ctx, 1<<(8+4*i))
	}
	return ctx
}

const (
	testPrograms = 3
	skipped      = 0 // index of the outcome of a caller that falls through
	gated        = 1 + testPrograms
)

// testOutcomes: of falling through, of each program, and of the gate.
func testOutcomes() []uint64 {
	return []uint64{0x1111100, 0x101, 0x102, 0x103, gateValue}
}

// caller makes the image of a program with a direct site for each of these keys. It
// uses all callee-saved registers and the stack, so that losing any of them shows.
func (r *rig) caller(t testing.TB, keys ...int) *Image {
	t.Helper()
	return r.callerUsing(t, []asm.Register{asm.R6, asm.R7, asm.R8, asm.R9}, keys...)
}

// callerUsing makes the image of a caller that uses these callee-saved registers: with
// two of them, and a stack, its slots are 16 bytes apart, with four 20.
func (r *rig) callerUsing(t testing.TB, saved []asm.Register, keys ...int) *Image {
	t.Helper()
	insns := asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 32, asm.DWord).WithSymbol("caller"),
		asm.StoreMem(asm.RFP, -8, asm.R2, asm.DWord),
	}
	for _, r := range saved {
		insns = append(insns, asm.Mov.Reg(r, asm.R1))
	}
	for _, k := range keys {
		insns = append(insns,
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.LoadMapPtr(asm.R2, 0).WithReference(testMap),
			asm.Mov.Imm(asm.R3, int32(k)),
			asm.FnTailCall.Call(),
		)
	}
	insns = append(insns, asm.LoadMem(asm.R0, asm.RFP, -8, asm.DWord))
	for i, r := range saved {
		insns = append(insns, asm.LoadMem(asm.R1, r, int16(8*i), asm.DWord), asm.Add.Reg(asm.R0, asm.R1))
	}
	return r.compile(t, append(insns, asm.Return()))
}

// program makes the image of program i.
func (r *rig) program(t testing.TB, i int) *Image {
	t.Helper()
	return r.compile(t, asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord).WithSymbol(fmt.Sprintf("p%d", i)),
		asm.Add.Imm(asm.R0, int32(1+i)),
		asm.Return(),
	})
}

func (r *rig) compile(t testing.TB, insns asm.Instructions) *Image {
	t.Helper()
	prog, err := jit.Parse("test", insns)
	if err != nil {
		t.Fatal(err)
	}
	a := r.p.arrays[testMap]
	img, err := jit.Compile(prog, jit.Options{Layout: r.layout, Maps: map[string]jit.MapInfo{
		testMap: {Addr: a.Addr(), MaxEntries: uint32(a.Keys())},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return imageOf(img)
}

// imageOf is what package stress/internal/rig makes of an image, which a test in here cannot
// import. There are no helpers.
func imageOf(img *jit.Image) *Image {
	out := &Image{Code: img.Code, Landing: Off(img.AdjOff)}
	for _, s := range img.Starts {
		out.Starts = append(out.Starts, Off(s))
	}
	for _, s := range img.Sites {
		site := Site{Array: s.Map, Key: int(s.Key)}
		for n, slot := range s.Slots() {
			site.Slots[n] = Slot{Off(slot.Off), Off(slot.Out)}
		}
		out.Sites = append(out.Sites, site)
	}
	return out
}

func (r *rig) load(t testing.TB, name string, img *Image) *Program {
	t.Helper()
	prog, err := r.p.Load(name, img, PlaceAny)
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

// held loads a copy of program i that stays.
func (r *rig) held(t testing.TB, i int) *Program {
	t.Helper()
	prog := r.load(t, fmt.Sprintf("p%d", i), r.program(t, i))
	prog.Hold()
	return prog
}

func (r *rig) update(t testing.TB, key int, prog *Program) {
	t.Helper()
	if err := r.a.Update(key, prog); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) delete(t testing.TB, key int) {
	t.Helper()
	if ok, err := r.a.Delete(key); err != nil || !ok {
		t.Fatalf("delete of key %d: %v, %v", key, ok, err)
	}
}

// states names the states that memory shows of a program's sites, in their order.
func (r *rig) states(prog *Program) string {
	s := ""
	for _, site := range prog.Slots() {
		var c [protocol.Slots]protocol.Content
		for slot, at := range site.At {
			if text.Insn(r.arena.Read(at, text.Size)) != text.Nop {
				c[slot] = protocol.Jump
			}
		}
		s += protocol.StateOf(c[protocol.Bypass], c[protocol.Target]).String()
	}
	return s
}

// textOf returns the memory of a program.
func (r *rig) textOf(prog *Program) []byte { return r.arena.Read(prog.off, len(prog.Image.Code)) }

// erased reports whether a program's memory is all int3.
func (r *rig) erased(prog *Program) bool {
	for _, b := range r.textOf(prog) {
		if b != exec.Int3 {
			return false
		}
	}
	return true
}

// named returns a built-in protocol or that of a mutant.
func named(t testing.TB, name string) *protocol.Protocol {
	t.Helper()
	if p, err := protocol.ProtocolByName(name); err == nil {
		return &p
	}
	s := mutated(t, name)
	return &s.Protocol
}

func mutated(t testing.TB, name string) protocol.Subject {
	t.Helper()
	m, err := protocol.MutantByName(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Apply(protocol.DefaultSubject())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing happened within 20 s")
		}
	}
}
