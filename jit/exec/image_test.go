//go:build linux && amd64

package exec

import (
	"slices"
	"testing"
	"time"
)

// returns is an image that returns a number.
func returns(n byte) []byte { return []byte{0xb8, n, 0, 0, 0, 0xc3} } // mov eax, n; ret

// TestEntriesInTurn: a run calls every entry point as often as its turn comes, the first ones where
// there are more than a pool has room for.
func TestEntriesInTurn(t *testing.T) {
	const rounds = 10
	a := newArena(t, nil)
	var addrs, values []uint64
	for n := range Off(MaxEntries + 1) {
		a.Write(16*n, returns(byte(n)))
		addrs, values = append(addrs, a.Addr(16*n)), append(values, uint64(n))
	}
	p, err := NewPool(PoolConfig{Threads: 1, Outcomes: values})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for n := 1; n <= len(addrs); n++ {
		want := make([]uint64, len(addrs))
		for i := range MaxEntries {
			want[i%n] += rounds
		}
		p.SetEntries(addrs[:n])
		if _, err := p.Run(rounds*MaxEntries, time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := p.Counters(); !slices.Equal(got.Outcomes, want) || got.Executions != rounds*MaxEntries {
			t.Errorf("%d entry points were called %v times, want %v", n, got.Outcomes, want)
		}
	}
}

// TestEveryRegisterIsCompared: an image that loses one register of its caller is accused of this
// one, by the loop and by a stepper.
func TestEveryRegisterIsCompared(t *testing.T) {
	for i, xor := range [][]byte{{0x31, 0xdb}, {0x31, 0xed}, {0x45, 0x31, 0xe4}, {0x45, 0x31, 0xed}, {0x45, 0x31, 0xf6}, {0x45, 0x31, 0xff}} {
		a, p, s := stepper(t, append(append(xor, returns(1)...), 0xc3))
		must := stops(t)
		must(s.Begin(a.Addr(0)))
		stepped := must(s.Free(stepLimit)).Anomaly
		p.SetEntries([]uint64{a.Addr(0)})
		if _, err := p.Run(1, time.Minute); err != nil {
			t.Fatal(err)
		}
		for _, got := range append(p.Anomalies(), stepped) {
			want := Anomaly{Kind: BadRegisters, RAX: 1, Regs: got.Canary, Canary: got.Canary}
			want.Regs[i] = 0
			if got != want || slices.Contains(got.Canary[:], 0) {
				t.Errorf("register %d is lost: %+v", i, got)
			}
		}
		if p.Bad() != 1 {
			t.Errorf("register %d is lost: %d executions are accused", i, p.Bad())
		}
	}
}

// TestStepShowsEveryRegister has a number in each register, flags, and a word on the stack. An int3
// shows them too.
func TestStepShowsEveryRegister(t *testing.T) {
	var image []byte
	for n := range byte(16) {
		if n != 4 { // rsp
			image = append(image, 0x40|n>>3, 0xb8|n&7, 0x11*n, n, 0, 0) // mov r32, imm32
		}
	}
	image = append(image, 0x68, 0x55, 0x66, 0x77, 0x08) // push 0x08776655
	image = append(image, 0x41, 0xff, 0xcf)             // dec r15d
	image = append(image, 0x38, 0xc0, 0xf9, 0xcc)       // cmp al, al; stc; int3
	a, _, s := stepper(t, image)
	must := stops(t)
	st := must(s.Begin(a.Addr(0)))
	sp, ctx := st.Regs[4], st.Regs[7]
	if v, ok := s.Word(ctx); v != 7 || !ok {
		t.Errorf("the context holds %#x, %t", v, ok)
	}
	compare := func() {
		t.Helper()
		for n, got := range st.Regs {
			want := uint64(n)<<8 | 0x11*uint64(n)
			switch n {
			case 4:
				want = sp - 8
			case 15:
				want--
			}
			if got != want {
				t.Errorf("at %+d: register %d is %#x, want %#x", st.RIP-a.Addr(0), n, got, want)
			}
		}
		if v, ok := s.Word(sp - 8); v != 0x08776655 || !ok {
			t.Errorf("the stack holds %#x, %t", v, ok)
		}
		if st.Flags&0xfff != 0x247 { // carry, parity, zero, interrupts, and what is always set
			t.Errorf("flags %#x", st.Flags)
		}
	}
	for range 15 + 4 {
		st = must(s.Step())
	}
	if st.Kind != Stands || st.RIP != a.Addr(Off(len(image)-1)) {
		t.Fatalf("%+v", st)
	}
	compare()
	if st = must(s.Step()); st.Kind != Trapped {
		t.Fatalf("%+v", st)
	}
	compare()
}
