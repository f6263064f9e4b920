//go:build linux && amd64

package exec

import (
	"errors"
	"runtime"
	"testing"
	"time"
	"unsafe"
)

const stepLimit = 20 * time.Second

// stepper is a stepper of the first thread of a new pool, with an image at the arena's start.
func stepper(t *testing.T, image []byte) (*Arena, *Pool, *Stepper) {
	t.Helper()
	a := newArena(t, image)
	p, err := NewPool(PoolConfig{Threads: 2, Ctx: []byte{7, 0, 0, 0, 0, 0, 0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Stepper(0, stepLimit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return a, p, s
}

// stops returns what a method of a Stepper gives, and wants no error.
func stops(t *testing.T) func(Stop, error) Stop {
	return func(st Stop, err error) Stop {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
}

// TestStepByStep wants the thread in front of every instruction in turn, with the registers that
// it has there, and its return values after the last one, twice.
func TestStepByStep(t *testing.T) {
	a, p, s := stepper(t, []byte{
		0x48, 0x8b, 0x07, // mov rax, [rdi]
		0x48, 0xff, 0xc0, // inc rax
		0x41, 0x57, // push r15
		0x41, 0x5b, // pop r11
		0xc3, // ret
	})
	must := stops(t)
	for range 2 {
		at := must(s.Begin(a.Addr(0)))
		sp := at.Regs[4]
		if ret, ok := s.Word(sp); !ok || ret == 0 {
			t.Errorf("no return address at rsp: %#x, %v", ret, ok)
		}
		if _, ok := s.Word(1 << 40); ok {
			t.Error("a word of no stack")
		}
		for i, want := range []struct {
			off      Off
			rax, rsp uint64
		}{{0, 0, sp}, {3, 7, sp}, {6, 8, sp}, {8, 8, sp - 8}, {10, 8, sp}} {
			if i > 0 {
				at = must(s.Step())
			}
			if at.Kind != Stands || at.RIP != a.Addr(want.off) || at.Regs[0] != want.rax || at.Regs[4] != want.rsp {
				t.Fatalf("stop %d: %+v, want %+v", i, at, want)
			}
			if p.Readers()[0].Epoch() == 0 {
				t.Error("the thread is outside of its section")
			}
		}
		if at.Regs[11] != at.Regs[15] || at.Regs[15] == 0 {
			t.Errorf("r11 = %#x, r15 = %#x", at.Regs[11], at.Regs[15])
		}
		at = must(s.Step())
		if at.Kind != Returned || at.Anomaly.Kind != 0 || at.Anomaly.RAX != 8 || at.Regs[4] != sp+8 {
			t.Errorf("after the return: %+v", at)
		}
		if p.Readers()[0].Epoch() != 0 {
			t.Error("the thread is inside its section still")
		}
		if _, err := s.Step(); !errors.Is(err, errNotStepping) {
			t.Errorf("a step after the end: %v", err)
		}
	}
}

// TestSteppedThreadKeepsNobodyWaiting collects garbage while a thread is parked.
func TestSteppedThreadKeepsNobodyWaiting(t *testing.T) {
	a, _, s := stepper(t, loadCtx)
	must := stops(t)
	must(s.Begin(a.Addr(0)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 5 {
			runtime.GC()
		}
	}()
	select {
	case <-done:
	case <-time.After(stepLimit):
		t.Error("the garbage collector waits for the parked thread")
	}
	if st := must(s.Free(stepLimit)); st.Kind != Returned || st.Anomaly.RAX != 7 {
		t.Errorf("%+v", st)
	}
}

// TestSteppedEnds has executions that end otherwise than by a return of what was lent.
func TestSteppedEnds(t *testing.T) {
	goText := goTextAddr()
	for _, tt := range []struct {
		name  string
		image []byte
		check func(Stop) bool
	}{
		{"rbx is lost", []byte{0x31, 0xdb, 0xc3}, // xor ebx, ebx; ret
			func(s Stop) bool {
				return s.Kind == Returned && s.Anomaly.Kind == BadRegisters && s.Anomaly.Regs[0] == 0 && s.Anomaly.Regs[1] == s.Anomaly.Canary[1]
			}},
		{"rsp is off", []byte{0x59, 0x48, 0x83, 0xc4, 0x10, 0xff, 0xe1}, // pop rcx; add rsp, 16; jmp rcx
			func(s Stop) bool { return s.Anomaly.Kind == BadRegisters && s.Anomaly.RSPOff == 16 }},
		{"ud2", []byte{0x90, 0x0f, 0x0b},
			func(s Stop) bool { return s.Kind == Faulted && s.Anomaly.Signal == 4 && s.RIP&0xfff == 1 }},
		{"load of 0", []byte{0x31, 0xc0, 0x48, 0x8b, 0x00}, // xor eax, eax; mov rax, [rax]
			func(s Stop) bool { return s.Kind == Faulted && s.Anomaly.Signal == 11 && s.Anomaly.Addr == 0 }},
		{"int3 of no poke", []byte{0xcc},
			func(s Stop) bool { return s.Kind == Faulted && s.Anomaly.Signal == 5 && s.RIP&0xfff == 0 }},
		{"wild rsp", []byte{0x31, 0xe4, 0x90, 0x50}, // xor esp, esp; nop; push rax
			func(s Stop) bool { return s.Kind == Faulted && s.Anomaly.RSP == 0 }},
		{"jump into Go", append([]byte{0x48, 0xb8}, append(le(goText), 0xff, 0xe0)...), // mov rax, imm64; jmp rax
			func(s Stop) bool { return s.Kind == Faulted && s.Anomaly.Signal == 11 && s.RIP == goText }},
		{"jump to its stack", []byte{0x54, 0xc3}, // push rsp; ret
			func(s Stop) bool { return s.Kind == Faulted && s.Anomaly.Signal == 11 && s.RIP == s.Anomaly.RSP }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, p, s := stepper(t, tt.image)
			must := stops(t)
			st := must(s.Begin(a.Addr(0)))
			for n := 0; st.Kind == Stands || st.Kind == Trapped; n++ {
				if n == 20 {
					t.Fatal("does not end")
				}
				if st = must(s.Step()); st.Kind == Stands && st.RIP-a.Addr(0) >= uint64(a.Size()) {
					t.Errorf("stands outside of all images: %+v", st)
				}
			}
			if !tt.check(st) {
				t.Errorf("%+v", st)
			}
			if p.Readers()[0].Epoch() != 0 {
				t.Error("the thread is inside its section still")
			}
		})
	}
}

// goTextAddr is an address in the Go program, where no image has business.
func goTextAddr() uint64 {
	trap, _, _, _ := handlers()
	return uint64(trap)
}

func le(v uint64) []byte {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
	return b
}

// TestSteppedTrap has a thread meet an int3: it stops before its handler looks, which may be at any
// later time, and answers as the poke says then.
func TestSteppedTrap(t *testing.T) {
	nop := []byte{0x0f, 0x1f, 0x44, 0, 0}
	image := append(append([]byte(nil), nop...), 0x48, 0x8b, 0x07, 0xc3) // nop5; mov rax, [rdi]; ret
	int3 := []Store{{Off: 0, Width: 1, Value: Int3}}
	back := []Store{{Off: 0, Width: 1, Value: uint64(nop[0])}}
	for _, tt := range []struct {
		name   string
		resume Off // 0: run the byte again
		over   bool
		want   Off // where the thread stands after the answer
	}{
		{"answered", 8, false, 8},
		{"run again", 0, false, 0},
		{"too late", 8, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, _, s := stepper(t, image)
			must := stops(t)
			must(s.Begin(a.Addr(0)))
			resume := uint64(0)
			if tt.resume != 0 {
				resume = a.Addr(tt.resume)
			}
			BeginPoke(a.Addr(0), resume)
			a.StoreAll(int3)
			SyncCore()
			st := must(s.Step())
			if st.Kind != Trapped || st.RIP != a.Addr(0) {
				t.Fatalf("at the int3: %+v", st)
			}
			if tt.over {
				a.StoreAll(back)
				EndPoke()
			}
			if st = must(s.Step()); st.Kind != Stands || st.RIP != a.Addr(tt.want) {
				t.Errorf("after the answer: %+v, want +%#x", st, tt.want)
			}
			if !tt.over {
				a.StoreAll(back)
				EndPoke()
			}
			for n := 0; st.Kind == Stands && n < 5; n++ {
				st = must(s.Step())
			}
			if st.Kind != Returned || st.Anomaly.Kind != 0 {
				t.Errorf("at the end: %+v", st)
			}
		})
	}
}

// TestSteppedTrapOfNobody wants a thread that trapped thrown out if no poke answers.
func TestSteppedTrapOfNobody(t *testing.T) {
	a, _, s := stepper(t, []byte{0xcc})
	must := stops(t)
	must(s.Begin(a.Addr(0)))
	if st := must(s.Step()); st.Kind != Trapped {
		t.Fatalf("%+v", st)
	}
	if st := must(s.Free(stepLimit)); st.Kind != Faulted || st.Anomaly.Signal != 5 {
		t.Errorf("%+v", st)
	}
}

// TestStepperCloses throws a thread out wherever it is.
func TestStepperCloses(t *testing.T) {
	loop := []byte{0xeb, 0xfe} // jmp -2
	for name, until := range map[string]func(t *testing.T, s *Stepper){
		"parked": func(*testing.T, *Stepper) {},
		"free": func(t *testing.T, s *Stepper) {
			if _, err := s.Free(10 * time.Millisecond); !errors.Is(err, ErrLimit) {
				t.Errorf("an endless loop ends: %v", err)
			}
			if _, err := s.Step(); err == nil {
				t.Error("a step of a thread that runs")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, p, s := stepper(t, loop)
			must := stops(t)
			must(s.Begin(a.Addr(0)))
			must(s.Step())
			if _, err := s.Begin(a.Addr(0)); !errors.Is(err, errStepping) {
				t.Errorf("two executions at once: %v", err)
			}
			until(t, s)
			s.Close()
			if !p.Idle() {
				t.Error("the thread runs still")
			}
			if st := must(s.Begin(a.Addr(0))); st.RIP != a.Addr(0) {
				t.Errorf("begins anew at %+v", st)
			}
		})
	}
	t.Run("by the pool", func(t *testing.T) {
		a, p, s := stepper(t, loop)
		stops(t)(s.Begin(a.Addr(0)))
		p.evict()
		if st, err := s.await(stepLimit); err != nil || st.Kind != Faulted || st.Anomaly.Signal != Evicted {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// TestTwoThreadsAreStepped has them go on in turn.
func TestTwoThreadsAreStepped(t *testing.T) {
	a, p, one := stepper(t, []byte{0x90, 0x90, 0x48, 0x8b, 0x07, 0xc3}) // nop; nop; mov rax, [rdi]; ret
	two, err := p.Stepper(1, stepLimit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(two.Close)
	must := stops(t)
	must(one.Begin(a.Addr(0)))
	must(two.Begin(a.Addr(1)))
	if x, y := must(one.Step()), must(two.Step()); x.RIP != a.Addr(1) || y.RIP != a.Addr(2) || x.Regs[4] == y.Regs[4] {
		t.Errorf("%+v, %+v", x, y)
	}
	if x, y := must(two.Free(stepLimit)), must(one.Free(stepLimit)); x.Kind != Returned || y.Kind != Returned {
		t.Errorf("%+v, %+v", x, y)
	}
	if _, err := p.Stepper(2, stepLimit); err == nil {
		t.Error("a stepper of a thread that is not there")
	}
}

// TestStepRecord compares the frame's layout with what the handlers assume of it.
func TestStepRecord(t *testing.T) {
	if n := unsafe.Sizeof(frame{}); n != frameSize {
		t.Errorf("the frame has %d bytes, not %d", n, frameSize)
	}
	if n := unsafe.Sizeof(stepRecord{}); n != 168 {
		t.Errorf("the step record has %d bytes", n)
	}
}

// BenchmarkStep is one gated step, there and back.
func BenchmarkStep(b *testing.B) {
	a := newArena(b, []byte{0xeb, 0xfe}) // jmp -2
	p, err := NewPool(PoolConfig{Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	s, err := p.Stepper(0, stepLimit)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Begin(a.Addr(0)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Step(); err != nil {
			b.Fatal(err)
		}
	}
}
