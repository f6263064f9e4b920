//go:build linux && amd64

package native

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"
	"go.uber.org/goleak"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/host"
	"tailpoke/stress/internal/layouttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func program(t *testing.T, name string, parts ...asm.Instructions) *jit.Program {
	t.Helper()
	var insns asm.Instructions
	for _, p := range parts {
		insns = append(insns, p...)
	}
	p, err := jit.Parse(name, insns)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tailCall(key int32) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapPtr(asm.R2, 0).WithReference("progs"), asm.Mov.Imm(asm.R3, key), asm.FnTailCall.Call(),
	}
}

func ret(v int32) asm.Instructions { return asm.Instructions{asm.Mov.Imm(asm.R0, v), asm.Return()} }

// count adds one to the variable.
func count() asm.Instructions {
	return asm.Instructions{
		asm.LoadMapValue(asm.R4, 0, 0).WithReference("count"),
		asm.LoadMem(asm.R5, asm.R4, 0, asm.DWord), asm.Add.Imm(asm.R5, 1), asm.StoreMem(asm.R4, 0, asm.R5, asm.DWord),
	}
}

func machine(t *testing.T, l *jit.Layout, programs ...*jit.Program) *Machine {
	t.Helper()
	m, err := New(Config{
		Layout: l, Programs: programs, Arrays: map[string]int{"progs": 4}, CtxSize: 16,
		Host: host.Config{Maps: map[string]host.MapSpec{"count": {KeySize: 4, ValueSize: 8, MaxEntries: 1}}},
	})
	if lack := exec.Supported(); lack != nil {
		t.Skip(lack)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// TestTailCalls has a program that tail calls itself until the limit, in every layout.
func TestTailCalls(t *testing.T) {
	for _, l := range layouttest.All(t) {
		t.Run(l.Name, func(t *testing.T) { testTailCalls(t, l) }) // each lets go of its memory
	}
}

func testTailCalls(t *testing.T, l *jit.Layout) {
	m := machine(t, l, program(t, "self", asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}, count(), tailCall(1), ret(7)))
	run := func(want uint64) {
		t.Helper()
		if r0, err := m.Run("self", make([]byte, 16), time.Minute); err != nil || r0 != 7 {
			t.Errorf("%s: %d, %v", l.Name, r0, err)
		}
		if got := binary.LittleEndian.Uint64(m.Host().Map("count").Value(make([]byte, 4), 0)); got != want {
			t.Errorf("%s: entered %d times, want %d", l.Name, got, want)
		}
	}
	run(1)
	if err := m.Put("progs", 1, "self"); err != nil {
		t.Fatal(err)
	}
	run(1 + 34)
	if held, err := m.Delete("progs", 1); err != nil || !held {
		t.Error(held, err)
	}
	run(1 + 34 + 1)
}

func TestErrors(t *testing.T) {
	m := machine(t, &jit.V612,
		program(t, "wild", asm.Instructions{asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord), asm.LoadMem(asm.R0, asm.R0, 0, asm.DWord), asm.Return()}),
		program(t, "endless", asm.Instructions{{OpCode: asm.Ja.Op(asm.ImmSource), Offset: -1}}),
		program(t, "context", asm.Instructions{asm.StoreImm(asm.R1, 8, 5, asm.Word)}, ret(1)))
	ctx := make([]byte, 16)
	var anomaly *AnomalyError
	ctx[0] = 0x10
	if _, err := m.Run("wild", ctx, time.Minute); !errors.As(err, &anomaly) || anomaly.Program != "wild" || anomaly.Addr != 0x10 {
		t.Errorf("wild: %v", err)
	}
	if _, err := m.Run("endless", ctx, 100*time.Millisecond); !errors.Is(err, ErrEndless) {
		t.Errorf("endless: %v", err)
	}
	if r0, err := m.Run("context", ctx, time.Minute); err != nil || r0 != 1 || ctx[8] != 5 {
		t.Errorf("context: %d, %v, % x", r0, err, ctx)
	}
	for _, err := range []error{
		m.Put("progs", 0, "nobody"), m.Put("other", 0, "wild"), m.Put("progs", 4, "wild"),
		second(m.Delete("progs", 4)), second(m.Run("nobody", ctx, time.Minute)), second(m.Run("wild", nil, time.Minute)),
	} {
		if err == nil {
			t.Error("accepted")
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestReload runs a program that was loaded anew, while its key is updated all the time.
func TestReload(t *testing.T) {
	m := machine(t, &jit.V612, program(t, "caller", asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}, tailCall(0), ret(9)),
		program(t, "one", ret(1)), program(t, "two", ret(2)))
	if err := m.Put("progs", 0, "one"); err != nil {
		t.Fatal(err)
	}
	done, stopped := make(chan struct{}), make(chan error)
	go func() {
		var err error
		for i := 0; err == nil; i++ {
			select {
			case <-done:
				stopped <- nil
				return
			default:
				err = m.Put("progs", 0, []string{"one", "two"}[i%2])
			}
		}
		stopped <- err
	}()
	for range 200 {
		if err := m.Reload("caller"); err != nil {
			t.Fatal(err)
		}
		if r0, err := m.Run("caller", make([]byte, 16), time.Minute); err != nil || r0 != 1 && r0 != 2 {
			t.Fatalf("%d, %v", r0, err)
		}
	}
	close(done)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := m.Reload("nobody"); err == nil {
		t.Error("accepted")
	}
}
