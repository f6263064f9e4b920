//go:build linux && amd64

package text

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
)

const (
	liveArena = 16 << 20
	liveBase  = liveArena / 2 // of the slots: a multiple of the page size
	// The rel32 of the two jumps. They differ in every byte, so that any mixture of the
	// two leads to neither.
	liveForth = 0x00112233
	liveBack  = -0x00445566
)

// What an execution returns: by the nop, by the first jump, by the second.
var liveOutcomes = []uint64{1, 2, 3}

// returns is mov eax, v; ret.
func returns(v byte) []byte { return []byte{0xb8, v, 0, 0, 0, 0xc3} }

// liveSlot lays out a slot at off and what its instructions lead to.
func liveSlot(a *exec.Arena, off exec.Off) [3]Insn {
	insns := [3]Insn{Nop, Jump(off, off+Size+liveForth), Jump(off, off+Size-(-liveBack))}
	for i, insn := range insns {
		a.Write(insn.next(off), returns(byte(liveOutcomes[i])))
	}
	a.Write(off, Nop[:])
	return insns
}

// live pokes a slot at random among its three instructions while threads execute it,
// for at least some time and until enough is true, and wants no anomaly.
func live(t *testing.T, a *exec.Arena, p *Poker, off exec.Off, enough func() bool) {
	t.Helper()
	insns := liveSlot(a, off)
	pool, err := exec.NewPool(exec.PoolConfig{Threads: 3, Outcomes: liveOutcomes, YieldEvery: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	}()
	pool.SetEntries([]uint64{a.Addr(off)})
	if err := pool.Start(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(uint64(off), 1))
	now, start := 0, time.Now()
	for time.Since(start) < liveTime() || !enough() {
		if time.Since(start) > 20*time.Second {
			t.Fatal("nothing happened within 20 s")
		}
		next := rng.IntN(len(insns))
		if changed, err := p.Poke(off, insns[now], insns[next]); err != nil || changed != (now != next) {
			t.Fatalf("%v to %v: changed %v, %v", insns[now], insns[next], changed, err)
		}
		now = next
	}
	pool.Stop()
	c := pool.Counters()
	if c.Anomalies != 0 {
		t.Fatalf("%d anomalies of %d executions: %+v", c.Anomalies, c.Executions, pool.Anomalies()[0])
	}
}

func liveTime() time.Duration {
	if testing.Short() {
		return 20 * time.Millisecond
	}
	return 80 * time.Millisecond
}

// offsets are the slots that are poked: within a cache line, across two, in an aligned
// word or not, and across two pages.
var offsets = []exec.Off{0, 5, 29, 59, 60, 61, 62, 63, 4093}

// TestLiveInt3 expects every thread to run only whole instructions, however a trap is
// answered, and some threads to trap.
func TestLiveInt3(t *testing.T) {
	a := newArena(t, liveArena)
	before := exec.Traps()
	for trap := protocol.TrapNew; trap <= protocol.TrapRetry; trap++ {
		for _, off := range offsets {
			t.Run(fmt.Sprintf("trap=%v/%d", trap, off), func(t *testing.T) {
				m := protocol.Methods()[0]
				m.Trap = trap
				live(t, a, New(a, m), liveBase+off, func() bool { return true })
			})
		}
		// Threads get the time to meet the int3, but not in every poke.
		t.Run(fmt.Sprintf("trap=%v/dwelling", trap), func(t *testing.T) {
			m, rng := protocol.Methods()[0], rand.New(rand.NewPCG(1, 2))
			m.Trap = trap
			p := New(a, m)
			p.Between = func() {
				if rng.IntN(8) == 0 {
					exec.Sleep(50 * time.Microsecond)
				}
			}
			was := exec.Traps().Hits
			live(t, a, p, liveBase+62, func() bool { return exec.Traps().Hits > was })
		})
	}
	after := exec.Traps()
	t.Logf("%d traps, %d of them late", after.Hits-before.Hits, after.Late-before.Late)
}

// TestLiveWord needs no trap where one store replaces the whole slot.
func TestLiveWord(t *testing.T) {
	a := newArena(t, liveArena)
	before := exec.Traps()
	for _, off := range offsets {
		if !FitsWord(off) {
			continue
		}
		t.Run(fmt.Sprint(off), func(t *testing.T) {
			live(t, a, New(a, protocol.Methods()[1]), liveBase+off, func() bool { return true })
		})
	}
	if after := exec.Traps(); after != before {
		t.Errorf("traps %+v, then %+v", before, after)
	}
}

// TestEverySlotOffsetIsMeant keeps the list of offsets honest.
func TestEverySlotOffsetIsMeant(t *testing.T) {
	forth, back := Jump(0, Size+liveForth), Jump(liveBase, liveBase+Size-(-liveBack))
	for i := 1; i < Size; i++ {
		if forth[i] == back[i] {
			t.Errorf("byte %d of both jumps is %#x", i, forth[i])
		}
	}
	kinds := map[string]bool{}
	for _, off := range offsets {
		switch {
		case off/4096 != (off+Size-1)/4096:
			kinds["page"] = true
		case off/64 != (off+Size-1)/64:
			kinds["line"] = true
		case FitsWord(off):
			kinds["word"] = true
		default:
			kinds["words"] = true
		}
	}
	if len(kinds) != 4 {
		t.Errorf("slots cross %s alone", strings.Join(keys(kinds), ", "))
	}
}

func keys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

// BenchmarkPoke is one poke of a slot that threads execute.
func BenchmarkPoke(b *testing.B) {
	for _, m := range protocol.Methods() {
		for _, threads := range []int{0, 1, 16} {
			b.Run(fmt.Sprintf("%s/threads=%d", m.Name, threads), func(b *testing.B) {
				benchmarkPoke(b, m, threads)
			})
		}
	}
}

func benchmarkPoke(b *testing.B, m protocol.Method, threads int) {
	a := newArena(b, liveArena)
	insns := liveSlot(a, liveBase)
	if threads > 0 {
		pool, err := exec.NewPool(exec.PoolConfig{Threads: threads, Outcomes: liveOutcomes})
		if err != nil {
			b.Fatal(err)
		}
		defer pool.Close()
		pool.SetEntries([]uint64{a.Addr(liveBase)})
		if err := pool.Start(); err != nil {
			b.Fatal(err)
		}
	}
	p, i := New(a, m), 0
	for b.Loop() {
		if _, err := p.Poke(liveBase, insns[i%3], insns[(i+1)%3]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
