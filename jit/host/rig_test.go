package host

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
)

// A rig runs programs natively, one after the other, on the maps and the packet of one host.
type rig struct {
	t     testing.TB
	host  *Host
	arena *exec.Arena
	pool  *exec.Pool
	ctx   []byte
	stubs map[jit.Helper]uint64
}

// codeAt is where programs lie in the arena, after the stubs.
const codeAt = 4096

// newRig makes a host and one thread. A packet brings a __sk_buff as the context.
func newRig(t testing.TB, cfg Config) *rig { return newRigOf(t, cfg, exec.PoolConfig{Threads: 1}) }

func newRigOf(t testing.TB, cfg Config, pc exec.PoolConfig) *rig {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	if cfg.Layout == nil {
		cfg.Layout = &jit.V612
	}
	r := &rig{t: t, ctx: pc.Ctx, stubs: map[jit.Helper]uint64{}}
	var err error
	if r.host, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	closes(t, r.host.Close)
	if r.arena, err = exec.NewArena(1 << 16); err != nil {
		t.Fatal(err)
	}
	closes(t, r.arena.Close)
	if r.ctx == nil {
		r.ctx = make([]byte, SkbSize)
	}
	if cfg.Packet != nil {
		r.host.Skb(r.ctx)
	}
	for i, h := range jit.Helpers() {
		off := exec.Off(i * exec.HelperStubSize)
		r.arena.Write(off, exec.HelperStub(uint32(h)))
		r.stubs[h] = r.arena.Addr(off)
	}
	pc.Ctx, pc.Host = r.ctx, r.host
	if r.pool, err = exec.NewPool(pc); err != nil {
		t.Fatal(err)
	}
	closes(t, r.pool.Close)
	return r
}

func closes(t testing.TB, f func() error) {
	t.Cleanup(func() {
		if err := f(); err != nil {
			t.Error(err)
		}
	})
}

// load puts a program at the place from which the threads run it.
func (r *rig) load(insns asm.Instructions) {
	r.t.Helper()
	p, err := jit.Parse("main", insns)
	if err != nil {
		r.t.Fatal(err)
	}
	img, err := jit.Compile(p, jit.Options{Layout: r.host.cfg.Layout, Maps: r.host.MapInfo()})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, ref := range img.Refs {
		if ref.Kind == jit.RefHelper {
			end := r.arena.Addr(codeAt) + uint64(ref.Off) + 4
			binary.LittleEndian.PutUint32(img.Code[ref.Off:], uint32(r.stubs[ref.Helper]-end))
		}
	}
	r.arena.Write(codeAt, img.Code)
	r.pool.SetEntries([]uint64{r.arena.Addr(codeAt)})
}

// try runs a program once, and gives what it returned or the fault that ended it.
func (r *rig) try(insns ...asm.Instruction) (rax uint64, fault *exec.Anomaly) {
	r.t.Helper()
	r.load(insns)
	rax, err := r.pool.Run(1, time.Minute)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, a := range r.pool.Anomalies() {
		if a.Kind != exec.BadValue { // the pool was told of no outcome
			return 0, &a
		}
	}
	return rax, nil
}

// run is try for programs that do not fault.
func (r *rig) run(insns ...asm.Instruction) uint64 {
	r.t.Helper()
	rax, fault := r.try(insns...)
	if fault != nil {
		r.t.Fatalf("%+v", *fault)
	}
	return rax
}

// want runs a program and compares what it returns, which for errors is negative.
func (r *rig) want(what string, want int64, insns ...asm.Instruction) {
	r.t.Helper()
	if got := int64(r.run(insns...)); got != want {
		r.t.Errorf("%s: %#x (%d), want %#x (%d)", what, got, got, want, want)
	}
}

// concat joins parts of a program.
func concat(parts ...asm.Instructions) asm.Instructions {
	var all asm.Instructions
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// Where programs have keys and values, below the frame pointer.
const (
	keyAt   = -8
	valueAt = -16
)

// store puts 64 bits on the stack.
func store(at int16, v uint64) asm.Instructions {
	return asm.Instructions{asm.LoadImm(asm.R0, int64(v), asm.DWord), asm.StoreMem(asm.R10, at, asm.R0, asm.DWord)}
}

// stackAddr makes a register an address on the stack.
func stackAddr(r asm.Register, at int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Reg(r, asm.R10), asm.Add.Imm(r, at)}
}

func mapAddr(r asm.Register, name string) asm.Instruction {
	return asm.LoadMapPtr(r, 0).WithReference(name)
}

// lookup makes R0 the address of a key's value.
func lookup(name string, key uint64) asm.Instructions {
	return concat(store(keyAt, key), stackAddr(asm.R2, keyAt),
		asm.Instructions{mapAddr(asm.R1, name), asm.FnMapLookupElem.Call()})
}

// missing is what load returns where there is nothing.
const missing = -77

// deref returns the 64 bits at R0, or missing.
func deref() asm.Instructions {
	return asm.Instructions{
		asm.JEq.Imm(asm.R0, 0, "missing"), asm.LoadMem(asm.R0, asm.R0, 0, asm.DWord), asm.Return(),
		asm.Mov.Imm(asm.R0, missing).WithSymbol("missing"), asm.Return(),
	}
}

// read returns a key's value.
func read(name string, key uint64) asm.Instructions { return concat(lookup(name, key), deref()) }

// update makes R0 what bpf_map_update_elem returns.
func update(name string, key, value uint64, flags int64) asm.Instructions {
	return concat(store(keyAt, key), store(valueAt, value), stackAddr(asm.R2, keyAt), stackAddr(asm.R3, valueAt),
		asm.Instructions{mapAddr(asm.R1, name), asm.LoadImm(asm.R4, flags, asm.DWord), asm.FnMapUpdateElem.Call()})
}

// remove makes R0 what bpf_map_delete_elem returns.
func remove(name string, key uint64) asm.Instructions {
	return concat(store(keyAt, key), stackAddr(asm.R2, keyAt),
		asm.Instructions{mapAddr(asm.R1, name), asm.FnMapDeleteElem.Call()})
}

func exit() asm.Instructions { return asm.Instructions{asm.Return()} }

// word is 64 bits as they lie in memory; its first bytes are a key of an array.
func word(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// threeMaps are one map of each kind, with values of 64 bits.
func threeMaps() map[string]MapSpec {
	return map[string]MapSpec{
		"array":  {Kind: Array, KeySize: 4, ValueSize: 8, MaxEntries: 4, Contents: []Pair{{word(2)[:4], word(22)}}},
		"odd":    {Kind: Array, KeySize: 4, ValueSize: 20, MaxEntries: 3}, // its stride is no power of two
		"percpu": {Kind: PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 4, Contents: []Pair{{word(2)[:4], word(22)}}},
		"hash":   {Kind: Hash, KeySize: 8, ValueSize: 8, MaxEntries: 3, Contents: []Pair{{word(2), word(22)}}},
	}
}
