//go:build linux && amd64

package rcu

import (
	"encoding/binary"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tailpoke/jit/exec"
	"tailpoke/patcher/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A gate is a pool whose threads execute an image that some or all of them can be held
// in. The words of its memory:
//
//	heldOne  address of the context of the thread that is held, or 0
//	heldAll  not 0: all are held
//	hanging  address of the context of the thread that was held last
type gate struct {
	pool  *exec.Pool
	data  *exec.Data
	arena *exec.Arena
	mem   *os.File // this process's memory, where an image has written
	ctx   []uint64 // by thread, the address of its context
}

const (
	heldOne = 0
	heldAll = 8
	hanging = 16
)

// newGate makes an open gate. No thread runs yet.
func newGate(t testing.TB, threads int) *gate {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	g := &gate{}
	var err error
	if g.arena, err = exec.NewArena(1 << 16); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, g.arena.Close()) })
	if g.data, err = exec.NewData(4096); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, g.data.Close()) })
	if g.mem, err = os.Open("/proc/self/mem"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, g.mem.Close()) })
	g.arena.Write(0, gateImage(g.data.Addr(0)))
	g.newPool(t, threads)
	return g
}

func closed(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func (g *gate) newPool(t testing.TB, threads int) {
	t.Helper()
	var err error
	g.pool, err = exec.NewPool(exec.PoolConfig{
		Threads: threads, Ctx: make([]byte, 8), Outcomes: []uint64{1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.release()
		closed(t, g.pool.Close())
	})
	g.pool.SetEntries([]uint64{g.arena.Addr(0)})
}

// gateImage returns 1, once nothing holds it any more.
func gateImage(words uint64) []byte {
	code := []byte{0x48, 0xb9}                           // mov rcx, words
	code = binary.LittleEndian.AppendUint64(code, words) //
	return append(code,
		0x48, 0x39, 0x39, //             look: cmp [rcx+heldOne], rdi
		0x74, 0x0d, //                   je hang
		0x48, 0x83, 0x79, heldAll, 0, // cmp qword [rcx+heldAll], 0
		0x75, 0x06, //                   jne hang
		0xb8, 1, 0, 0, 0, //             mov eax, 1
		0xc3,                      // ret
		0x48, 0x89, 0x79, hanging, // hang: mov [rcx+hanging], rdi
		0xf3, 0x90, //                   pause
		0xeb, 0xe6, //                   jmp look
	)
}

func (g *gate) start(t testing.TB) {
	t.Helper()
	if err := g.pool.Start(); err != nil {
		t.Fatal(err)
	}
}

// learn finds out where the threads' contexts are: it starts the threads on an image that
// returns the address of its context, which is an anomaly. The threads go on running.
func (g *gate) learn(t testing.TB) {
	t.Helper()
	g.arena.Write(512, []byte{0x48, 0x89, 0xf8, 0xc3}) // mov rax, rdi; ret
	g.pool.SetEntries([]uint64{g.arena.Addr(512)})
	g.start(t)
	g.ctx = make([]uint64, len(g.pool.Readers()))
	waitFor(t, func() bool {
		known := 0
		for _, a := range g.pool.Anomalies() {
			g.ctx[a.Thread] = a.RAX
		}
		for _, c := range g.ctx {
			if c != 0 {
				known++
			}
		}
		return known == len(g.ctx)
	})
	g.pool.SetEntries([]uint64{g.arena.Addr(0)})
}

// hold holds one thread and returns when it is held.
func (g *gate) hold(t testing.TB, thread int) {
	t.Helper()
	g.data.Store8(hanging, 0)
	g.data.Store8(heldOne, g.ctx[thread])
	waitFor(t, func() bool { return g.hanging(t) == g.ctx[thread] })
}

// holdAny holds all threads and returns when one is held.
func (g *gate) holdAny(t testing.TB) {
	t.Helper()
	g.data.Store8(heldAll, 1)
	waitFor(t, func() bool { return g.hanging(t) != 0 })
}

func (g *gate) hanging(t testing.TB) uint64 {
	t.Helper()
	var b [8]byte
	if _, err := g.mem.ReadAt(b[:], int64(g.data.Addr(hanging))); err != nil {
		t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(b[:])
}

// release lets all threads go.
func (g *gate) release() {
	g.data.Store8(heldOne, 0)
	g.data.Store8(heldAll, 0)
}

func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing happened within 20 s")
		}
	}
}

// flavour returns a built-in flavour.
func flavour(t testing.TB, name string) protocol.Grace {
	t.Helper()
	g, err := protocol.GraceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// elevated elevates the test's goroutine, or skips.
func elevated(t testing.TB) (restore func()) {
	t.Helper()
	restore, err := Elevate()
	if err != nil {
		t.Skip(err)
	}
	return restore
}
