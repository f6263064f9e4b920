package identity

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tailpoke/jit"
	"tailpoke/jit/exec"
	"tailpoke/jit/host"
	"tailpoke/patcher"
	"tailpoke/patcher/protocol"
	"tailpoke/stress/internal/rig"
)

// hostMaps are the maps of programs that run in the kernel and natively, by package jit/host.
var hostMaps = map[string]host.MapSpec{
	"array":  {Kind: host.Array, KeySize: 4, ValueSize: 8, MaxEntries: 4},
	"odd":    {Kind: host.Array, KeySize: 4, ValueSize: 20, MaxEntries: 3}, // its stride is no power of two
	"percpu": {Kind: host.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 4},
	"hash":   {Kind: host.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 3},
	"format": {Kind: host.Array, KeySize: 4, ValueSize: formatSize, MaxEntries: 1},
	"out":    {Kind: host.Array, KeySize: 4, ValueSize: 8, MaxEntries: 64}, // what a program wants compared
}

// twin runs programs both ways, on maps that were equal in the beginning.
type twin struct {
	t      testing.TB
	theirs map[string]*ebpf.Map
	packet []byte

	ours    *rig.Rig
	printed string // what bpf_trace_printk has printed last
}

func newTwin(t testing.TB, packet []byte) *twin {
	t.Helper()
	if err := exec.Supported(); err != nil {
		t.Skip(err)
	}
	w := &twin{t: t, theirs: map[string]*ebpf.Map{}, packet: packet}
	kinds := []ebpf.MapType{host.Array: ebpf.Array, host.PerCPUArray: ebpf.PerCPUArray, host.Hash: ebpf.Hash}
	for name, s := range hostMaps {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Name: name, Type: kinds[s.Kind], KeySize: uint32(s.KeySize),
			ValueSize: uint32(s.ValueSize), MaxEntries: uint32(s.MaxEntries)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		w.theirs[name] = m
	}
	var err error
	w.ours, err = rig.Open(rig.Config{
		Subject: protocol.DefaultSubject(), Layout: &jit.V612, Arena: 1 << 20,
		Host: &host.Config{Maps: hostMaps, Packet: packet, Trace: func(line []byte) { w.printed = string(line) }},
		Pool: exec.PoolConfig{Threads: 1, Ctx: make([]byte, host.SkbSize), RestoreHi: host.SkbSize},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.ours.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// put gives a key a value on both sides.
func (w *twin) put(name string, key, value uint64) {
	w.t.Helper()
	s := hostMaps[name]
	k, v := wordOf(key)[:s.KeySize], append(wordOf(value), make([]byte, s.ValueSize-8)...)
	if err := w.ours.Host.Map(name).Put(k, v); err != nil {
		w.t.Fatal(err)
	}
	theirs := any(v)
	if s.Kind == host.PerCPUArray {
		theirs = slices.Repeat([]uint64{value}, ebpf.MustPossibleCPU())
	}
	if err := w.theirs[name].Put(k, theirs); err != nil {
		w.t.Fatal(err)
	}
}

// clear takes every key out of the hash, on both sides.
func (w *twin) clear() {
	w.t.Helper()
	for key := range uint64(hashKeys) {
		there := w.theirs["hash"].Delete(key) == nil
		if w.ours.Host.Map("hash").Delete(wordOf(key)) != there {
			w.t.Errorf("key %d was in one hash", key)
		}
	}
}

// hashKeys is how many keys programs use of the hash, which are more than it may hold.
const hashKeys = 6

// run runs a program both ways, and wants the same of both.
func (w *twin) run(what string, insns asm.Instructions) uint32 {
	w.t.Helper()
	theirs := w.inKernel(what, insns)
	ours := uint32(w.natively(what, insns))
	if theirs != ours {
		w.t.Errorf("%s: %#x (%d) in the kernel, %#x (%d) natively", what, theirs, int32(theirs), ours, int32(ours))
	}
	w.compare(what)
	return theirs
}

func (w *twin) inKernel(what string, insns asm.Instructions) uint32 {
	w.t.Helper()
	spec := &ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{}, Programs: map[string]*ebpf.ProgramSpec{
		"main": {Name: "main", Type: ebpf.SchedCLS, License: "GPL", Instructions: slices.Clone(insns)},
	}}
	p, err := jit.Parse(what, insns)
	if err != nil {
		w.t.Fatal(what, err)
	}
	replaced := map[string]*ebpf.Map{}
	for _, name := range p.Maps() {
		m := w.theirs[name]
		spec.Maps[name] = &ebpf.MapSpec{Name: name, Type: m.Type(), KeySize: m.KeySize(), ValueSize: m.ValueSize(), MaxEntries: m.MaxEntries()}
		replaced[name] = m
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: replaced})
	if err != nil {
		w.t.Fatalf("%s: %+v", what, err)
	}
	defer coll.Close()
	ret, err := coll.Programs["main"].Run(&ebpf.RunOptions{Data: w.packet})
	if err != nil {
		w.t.Fatal(what, err)
	}
	return ret
}

func (w *twin) natively(what string, insns asm.Instructions) uint64 {
	w.t.Helper()
	p, err := jit.Parse(what, insns)
	if err != nil {
		w.t.Fatal(what, err)
	}
	img, err := w.ours.Compile(p)
	if err != nil {
		w.t.Fatal(what, err)
	}
	loaded, err := w.ours.Patcher.Load(what, rig.Image(img), patcher.PlaceAny)
	if err != nil {
		w.t.Fatal(what, err)
	}
	defer func() {
		if err := w.ours.Patcher.Unload(loaded); err != nil {
			w.t.Error(what, err)
		}
	}()
	w.ours.Pool.SetEntries([]uint64{w.ours.Patcher.Addr(loaded)})
	rax, err := w.ours.Pool.Run(1, time.Minute)
	if err != nil {
		w.t.Fatal(what, err)
	}
	for _, a := range w.ours.Pool.Anomalies() {
		if a.Kind != exec.BadValue { // the pool was told of no outcome
			w.t.Fatalf("%s: %+v", what, a)
		}
	}
	return rax
}

// compare holds the maps against each other.
func (w *twin) compare(what string) {
	w.t.Helper()
	for name, s := range hostMaps {
		keys := s.MaxEntries
		if s.Kind == host.Hash {
			keys = hashKeys
		}
		for key := range uint64(keys) {
			k := wordOf(key)[:s.KeySize]
			ours, theirs := w.ours.Host.Map(name).Value(k, 0), []byte(nil)
			if s.Kind == host.PerCPUArray {
				continue // the CPU that the program ran on is unknown; the program looks at its value itself
			}
			if b, err := w.theirs[name].LookupBytes(k); err == nil {
				theirs = b
			}
			if !bytes.Equal(ours, theirs) {
				w.t.Errorf("%s: %s[%d] is % x in the kernel, % x natively", what, name, key, theirs, ours)
			}
		}
	}
}

func wordOf(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// Where programs have keys and values, below the frame pointer.
const (
	keyAt   = -8
	valueAt = -16
)

// A builder writes a program. R6 is the context.
type builder struct {
	insns  asm.Instructions
	labels int
	outs   int
}

func newBuilder() *builder {
	b := &builder{}
	return b.add(asm.Mov.Reg(asm.R6, asm.R1))
}

func (b *builder) add(insns ...asm.Instruction) *builder {
	b.insns = append(b.insns, insns...)
	return b
}

// label names what comes next in the program.
func (b *builder) label() string {
	b.labels++
	return fmt.Sprintf("l%d", b.labels)
}

// store puts 64 bits on the stack.
func (b *builder) store(at int16, v uint64) *builder {
	return b.add(asm.LoadImm(asm.R0, int64(v), asm.DWord), asm.StoreMem(asm.R10, at, asm.R0, asm.DWord))
}

// stack makes a register an address on the stack.
func (b *builder) stack(r asm.Register, at int32) *builder {
	return b.add(asm.Mov.Reg(r, asm.R10), asm.Add.Imm(r, at))
}

func (b *builder) mapIn(r asm.Register, name string) *builder {
	return b.add(asm.LoadMapPtr(r, 0).WithReference(name))
}

func (b *builder) lookup(name string, key uint64) *builder {
	return b.store(keyAt, key).stack(asm.R2, keyAt).mapIn(asm.R1, name).add(asm.FnMapLookupElem.Call())
}

func (b *builder) update(name string, key, value uint64, flags int64) *builder {
	at := int32(valueAt)
	if size := hostMaps[name].ValueSize; size > 8 {
		at = -8 - int32(size+7)&^7
		for off := int16(at); off < keyAt; off += 8 {
			b.store(off, value+uint64(off))
		}
	}
	return b.store(keyAt, key).store(int16(at), value).stack(asm.R2, keyAt).stack(asm.R3, at).mapIn(asm.R1, name).
		add(asm.LoadImm(asm.R4, flags, asm.DWord), asm.FnMapUpdateElem.Call())
}

func (b *builder) remove(name string, key uint64) *builder {
	return b.store(keyAt, key).stack(asm.R2, keyAt).mapIn(asm.R1, name).add(asm.FnMapDeleteElem.Call())
}

// deref makes R0 the 64 bits at R0; or -77, if there is nothing.
func (b *builder) deref() *builder {
	none, done := b.label(), b.label()
	return b.add(asm.JEq.Imm(asm.R0, 0, none), asm.LoadMem(asm.R0, asm.R0, 0, asm.DWord), asm.Ja.Label(done),
		asm.Mov.Imm(asm.R0, -77).WithSymbol(none), asm.Mov.Reg(asm.R0, asm.R0).WithSymbol(done))
}

// out keeps R0 in the next element of "out". It changes all registers but R6 and R8 to R9.
func (b *builder) out() *builder {
	none := b.label()
	b.add(asm.Mov.Reg(asm.R7, asm.R0)).lookup("out", uint64(b.outs))
	b.outs++
	return b.add(asm.JEq.Imm(asm.R0, 0, none), asm.StoreMem(asm.R0, 0, asm.R7, asm.DWord),
		asm.Mov.Reg(asm.R0, asm.R7).WithSymbol(none))
}

// done is the program, which returns what R0 is.
func (b *builder) done() asm.Instructions { return b.add(asm.Return()).insns }
